"""The answers of the commands as tables for people."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from c2casgiutils.scripts import _console

_COLOURS = {
    "ok": "green",
    "pass": "green",
    "ready": "green",
    "degraded": "yellow",
    "warn": "yellow",
    "late": "yellow",
    "draining": "yellow",
    "down": "red",
    "fail": "red",
    "lost": "red",
}


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table; values are shown as they are, without markup or control characters."""
    table = Table(title=title or None, title_justify="left", box=rich.box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console(soft_wrap=False).print(table)


def say(text: str) -> None:
    """Print a line."""
    Console(soft_wrap=True, markup=False, highlight=False).print(_console.printable(text))


def moment(text: str | None) -> str:
    """Return a time of an answer, to the second."""
    if not text:
        return ""
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def silent(report: Mapping[str, Any]) -> list[str]:
    """Return who did not answer, one line each."""
    lines = [
        f"{_process(one)} did not answer ({one.get('reason') or 'unknown'})"
        for one in report.get("missing", [])
    ]
    lines += [f"{_process(one)} failed: {one.get('error')}" for one in report.get("failed", [])]
    lines += [f"{_process(one)} is lost since {moment(one.get('since'))}" for one in report.get("lost", [])]
    if report.get("roster") == "stale":
        lines.append("Redis is unreachable, or not all processes are known yet")
    return lines


def _process(one: Mapping[str, Any]) -> str:
    return f"{one.get('hostname')}:{one.get('pid')}"


def _cell(value: Any) -> Text:
    text = _console.printable("" if value is None else str(value), kept="\n")
    return Text(text, style=_COLOURS.get(text, ""))
