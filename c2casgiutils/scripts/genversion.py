"""Write `versions.json`; to be run when the image of an application is built."""

import argparse
import importlib.metadata
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FILE = Path("versions.json")
_EPILOG = """\
examples:
  %(prog)s "$(git rev-parse HEAD)"
  %(prog)s v1.2.0 "$(git rev-parse HEAD)"

exit codes:
  0  the file is written
  1  the file cannot be written
  2  an argument is wrong
"""


def describe(git_hash: str, git_tag: str | None = None) -> dict[str, Any]:
    """Return what is installed: `{"main": {"git_hash", "git_tag"?}, "packages": {name: version}}`.

    The packages come from the metadata of this interpreter, so they include packages installed in editable
    form or from a URL or path. The names are normalised
    (https://packaging.python.org/en/latest/specifications/name-normalization/).

    Args:
        git_hash: The commit.
        git_tag: The tag, if there is one.
    """
    packages: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # leftovers of an uninstalled package have none
            packages.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution.version)
    main = {"git_hash": git_hash, **({"git_tag": git_tag} if git_tag else {})}
    return {"main": main, "packages": dict(sorted(packages.items()))}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file into the working directory.

    Args:
        arguments: `[GIT_TAG] GIT_HASH`; by default those of the command line.

    Raises:
        SystemExit: With the usage on standard error, if an argument is invalid or the file cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="c2casgiutils-genversion",
        usage="%(prog)s [-h] [GIT_TAG] GIT_HASH",
        description="Write the versions of the application and of its packages into versions.json.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "values", nargs="+", metavar="[GIT_TAG] GIT_HASH", help="the tag, if there is one, then the hash"
    )
    values = [value.strip() for value in parser.parse_args(arguments).values]
    if len(values) > 2:  # noqa: PLR2004  # a tag and a hash
        parser.error(f"expected a tag and a hash, got {len(values)} values")
    if not values[-1]:
        parser.error("the hash is empty")
    *tags, git_hash = values
    content = json.dumps(describe(git_hash, *tags), indent=2) + "\n"
    try:
        _FILE.write_text(content, encoding="utf-8")
    except OSError as error:
        parser.exit(1, f"{parser.prog}: cannot write {_FILE.absolute()}: {error.strerror}\n")


if __name__ == "__main__":
    main()
