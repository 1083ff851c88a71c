"""Code in a fresh interpreter, without the modules of the test run."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def in_children(statement: str, *, number: int = 3) -> str:
    """Return code that runs a statement in forked processes, and checks that they succeed."""
    return (
        "children = []\n"
        f"for _ in range({number}):\n"
        "    if not (child := os.fork()):\n"
        f"        {statement}\n"
        "        os._exit(0)\n"
        "    children.append(child)\n"
        "assert all(os.waitpid(child, 0)[1] == 0 for child in children)\n"
    )


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a new interpreter, without the settings of the test run."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of them start
    return {**inherited, **(env or {})}


def run_fresh(
    code: str, *, env: Mapping[str, str] | None = None, cwd: Path | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own that turns warnings into errors; check the exit code."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
