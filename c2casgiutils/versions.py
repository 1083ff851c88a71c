"""The deployed versions: packages, and the versions file written by `c2casgiutils-genversion`."""

import contextlib
import importlib.metadata
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_LOGGER = logging.getLogger(__name__)

FILES = (Path("/app/versions.json"), Path("versions.json"))
"""Paths of the versions file, in order of precedence; the second is in the working directory."""


def read(files: Sequence[Path] = FILES) -> dict[str, Any] | None:
    """Read the first existing versions file.

    Args:
        files: The candidates in order.

    Returns:
        `{"main": {"git_hash": ..., "git_tag": ...}, "packages": {name: version}}`, or `None` if there is no
        file, or if it is invalid, which is logged.
    """
    for file in files:
        if not file.is_file():
            continue
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            _LOGGER.warning("Could not read the versions file %s: %s", file, error)
            return None
        if not isinstance(content, dict) or not isinstance(content.get("main"), dict):
            _LOGGER.warning("The versions file %s has no object `main`", file)
            return None
        return content
    return None


def git_hash(files: Sequence[Path] = FILES) -> str | None:
    """Return the deployed commit, `None` if unknown."""
    return _of_main("git_hash", files)


def git_tag(files: Sequence[Path] = FILES) -> str | None:
    """Return the deployed tag, `None` if unknown."""
    return _of_main("git_tag", files)


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages by name, without those that are not installed.

    Args:
        packages: Their names.
    """
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _of_main(key: str, files: Sequence[Path]) -> str | None:
    value = (read(files) or {"main": {}})["main"].get(key)
    return value if isinstance(value, str) and value else None
