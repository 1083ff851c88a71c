"""The console scripts, in the process of the test or on a terminal of their own."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from c2casgiutils import config

ROOT = Path(__file__).parents[2]
Main = Callable[[list[str]], object]


def call(main: Main, *arguments: str, **settings: object) -> object:
    """The exit code of a script that is called in this process."""
    config.settings = config.Settings(**settings)
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def refusal(main: Main, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """The exit code, and the last line of the errors, of a script that is called with bad input."""
    code = call(main, *arguments)
    return code, capsys.readouterr().err.strip().splitlines()[-1]


def on_terminal(name: str, *arguments: str, until: str, number: int, env: dict[str, str]) -> tuple[int, str]:
    """The exit code of a script with a terminal as its standard error, and what it shows there.

    Args:
        name: Its module.
        arguments: Of the script.
        until: What it shows before it gets a signal.
        number: The signal.
        env: Variables.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", f"c2casgiutils.scripts.{name}", *arguments],
        env={**inherited, "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown, is_sent = "", False
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 4096).decode()
            except OSError:  # the other end is closed
                break
            if until in shown and not is_sent:
                process.send_signal(number)
                is_sent = True
        return process.wait(30), shown
    finally:
        process.kill()
        os.close(ours)
