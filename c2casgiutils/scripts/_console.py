"""What the console scripts share: durations, progress, one line for an error, the end by a signal."""

import argparse
import asyncio
import datetime
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from types import ModuleType
from typing import Any, NoReturn

from c2casgiutils import config
from c2casgiutils._secrets import scrub

_BY_SIGNAL = 128
"""Added to the number of the signal that ended a process, as shells do."""


def create_parser(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Create the parser of a script.

    Args:
        program: The name of the script.
        description: What it does.
        epilog: Examples and exit codes, shown as they are.
    """
    return argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def duration(text: str) -> datetime.timedelta:
    """Read a duration from the command line.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    try:
        return config.parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def import_from_here(module: str) -> ModuleType:
    """Import a module that may be in the working directory.

    Raises:
        ImportError: There is none.
        ValueError: It is not the name of a module.
    """
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # import paths are strings
    return importlib.import_module(module)


class Progress:
    """What the script does now: a line on standard error, replaced by the next; only on a terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._is_shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line."""
        self.show("")


def report(program: str, text: str, secrets: Iterable[str] = ()) -> None:
    """Write one line to standard error, without secrets.

    Args:
        program: The name of the script.
        text: What happened; may have several lines.
        secrets: Values to mask beside what looks like a secret.
    """
    line = printable(" ".join(text.split()))
    sys.stderr.write(f"{program}: {scrub(line, tuple(secrets))}\n")


def printable(text: str, *, kept: str = "") -> str:
    """Return a text that cannot control a terminal: it may be what a server says.

    Args:
        text: The text.
        kept: Characters that stay although they are not printable.
    """
    return "".join(letter if letter.isprintable() or letter in kept else "\ufffd" for letter in text)


def run(work: Callable[[], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run a script, and exit with the code it returns; with 130 on SIGINT, 143 on SIGTERM.

    Without the handler a container would ignore SIGTERM, as its first process does by default.

    Raises:
        SystemExit: Always.
    """
    logging.getLogger("c2casgiutils").addHandler(logging.NullHandler())  # the scripts report themselves
    try:
        code = asyncio.run(_until_termination(work()))
    except KeyboardInterrupt:
        code = _BY_SIGNAL + signal.SIGINT
    sys.exit(code)


async def _until_termination(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(_code_of(work))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait({task})
    return _BY_SIGNAL + signal.SIGTERM if task.cancelled() else task.result()


async def _code_of(work: Coroutine[Any, Any, int]) -> int:
    """Return the exit code; an invalid setting would end the event loop at once, without closing anything."""
    try:
        return await work
    except config.ConfigurationError as error:
        return int(error.code or 0)
