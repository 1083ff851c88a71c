"""The commands of the package, one line for each argument, option and exit code."""

import argparse
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_CODES = re.compile(r"^ +(\d+(?:, \d+)*)  +\S", re.MULTILINE)


def command_lines() -> list[str]:
    """Return the lines, sorted for each command."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [line for name, entry in sorted(project["scripts"].items()) for line in _lines(name, entry)]


def _lines(name: str, entry: str) -> list[str]:
    module = importlib.import_module(entry.partition(":")[0])
    if name == "c2casgiutils":
        found = [f"$ {name}", *_of_click(name)]
    else:
        found = [f"$ {name}", *_of_argparse(name, _parser(module))]
    return sorted(set(found))


def _of_click(name: str) -> Iterator[str]:
    import click

    from c2casgiutils.scripts._commands import group

    for command in (group, *group.commands.values()):
        path = name if command is group else f"{name} {command.name}"
        for parameter in command.get_params(click.Context(command)):
            names = (
                parameter.opts
                if isinstance(parameter, click.Option)
                else [str(parameter.human_readable_name)]
            )
            yield from (f"$ {path} {each}" for each in names if each != "--help")
    yield from _codes(name, str(group.epilog))


class _ParserError(Exception):
    """Holds the parser of a script."""


def _parser(module: Any) -> argparse.ArgumentParser:
    """Return the parser that a script makes before it reads its arguments."""

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        raise _ParserError(parser)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        try:
            module.main([])
        except _ParserError as caught:
            parser: argparse.ArgumentParser = caught.args[0]
            return parser
    raise AssertionError(f"{module.__name__} has no parser")


def _of_argparse(path: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from _codes(path, parser.epilog or "")
    for action in parser._actions:  # argparse has no public name for what was added
        if isinstance(action, argparse._SubParsersAction):
            for name, further in action.choices.items():
                yield f"$ {path} {name}"
                yield from _of_argparse(f"{path} {name}", further)
        else:
            names = action.option_strings or [str(action.metavar or action.dest)]
            yield from (f"$ {path} {name}" for name in names if name not in ("-h", "--help"))


def _codes(path: str, text: str) -> Iterator[str]:
    section = text.partition("exit codes:\n")[2]
    codes = ", ".join(_CODES.findall(section))
    if codes:
        yield f"$ {path} -> {codes}"
