"""The states of the health checks in a heartbeat: a letter and three numbers for each check.

`p3600,12,1` means: passing, for 3,600 s before the beat; the last run took 12 ms and ended 1 s before it.
Names, tags, levels and severities are in the static part of the entry, in the same order.
"""

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from c2casgiutils.instances._model import CheckState

_STATUSES = {"p": "pass", "w": "warn", "f": "fail", "s": "skip", "u": "unknown"}
_LETTERS = {status: letter for letter, status in _STATUSES.items()}
_CELL = re.compile(r"([a-z])(?:(\d{1,9}),(\d{1,9}),(\d{1,9}))?", re.ASCII)


def encode_check(status: str, since_seconds: float, milliseconds: float, age: float) -> str:
    """Return the cell of a check that has already run.

    Args:
        status: Its status.
        since_seconds: How long ago the status began.
        milliseconds: Duration of the last run.
        age: Seconds since the end of the last run.
    """
    return f"{_LETTERS[status]}{since_seconds:.0f},{milliseconds:.0f},{age:.0f}"


UNKNOWN_CHECK = _LETTERS["unknown"]
"""The cell of a check that has not run yet."""


class StaticCheck(BaseModel):
    """The part of a check that rarely changes."""

    name: str
    tags: list[str] = []
    level: int = 1
    severity: str = "critical"


def decode_checks(cells: str, static: Sequence[StaticCheck], beat: float) -> dict[str, CheckState]:
    """Return the states by name; a cell that cannot be read, from a newer release, is `unknown`.

    Args:
        cells: The cells of the beat, separated by spaces.
        static: The checks.
        beat: The time of the beat.
    """
    return {
        fixed.name: CheckState(
            **_decode(cell, beat), tags=fixed.tags, level=fixed.level, severity=fixed.severity
        )
        for fixed, cell in zip(static, _padded(cells.split(), len(static)), strict=False)
    }


def _padded(cells: list[str], length: int) -> Iterable[str]:
    """Return one cell for each check; a check that was added after the beat has not run yet."""
    return [*cells, *[UNKNOWN_CHECK] * (length - len(cells))]


def _decode(cell: str, beat: float) -> dict[str, Any]:
    found = _CELL.fullmatch(cell)
    if found is None or found[1] not in _STATUSES or found[2] is None:
        return {"status": "unknown"}
    since = datetime.datetime.fromtimestamp(max(0.0, beat - int(found[2])), tz=datetime.UTC)
    return {
        "status": _STATUSES[found[1]],
        "since": since,
        "milliseconds": int(found[3]),
        "age": int(found[4]),
    }
