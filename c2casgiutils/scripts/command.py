"""The console script `c2casgiutils`: what the page does, for a shell in a container and for scripts.

It needs the extra `cli`.
"""

import importlib.util
import sys
from collections.abc import Sequence
from typing import NoReturn

from c2casgiutils.scripts import _console

PROGRAM = "c2casgiutils"
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command.

    Args:
        arguments: By default those of the command line.

    Raises:
        SystemExit: Always; the codes are in the help.
    """
    missing = [name for name in ("click", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        _console.report(PROGRAM, f"{' and '.join(missing)} is missing: install c2casgiutils[cli]")
        sys.exit(_USAGE)
    from c2casgiutils.scripts._commands import group

    group.main(args=None if arguments is None else list(arguments), prog_name=PROGRAM)
    raise AssertionError("click always exits")
