"""What the scripts that write a file have in common."""  # noqa: INP001  # next to scripts

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def main(file: Path, text: Callable[[], str], description: str | None) -> None:
    """Write a file, or only compare it, as the command line says.

    Args:
        file: Where to by default.
        text: Returns what it must hold.
        description: For the help.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("file", nargs="?", type=Path, default=file)
    arguments = parser.parse_args()
    new = text()
    if not arguments.check:
        arguments.file.write_text(new)
    elif arguments.file.read_text() != new:
        sys.exit(f"{arguments.file} is not what {sys.argv[0]} writes; run make settings")
