"""The states of the health checks in a heartbeat: a letter and three numbers for each check.

`p1772366400,12,1` means: passing since this second (Unix time), the same in each beat; the last
run took 12 ms and ended 1 s before the beat. Names, tags, levels and severities are in the static part of the
entry, in the same order. The reasons of those that do not pass are in a field of their own, by name.
"""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from c2casgiutils.instances._model import CheckState

_STATUSES = {"p": "pass", "w": "warn", "f": "fail", "s": "skip", "u": "unknown"}
_LETTERS = {status: letter for letter, status in _STATUSES.items()}
_CELL = re.compile(r"([a-z])(?:(\d{1,11}),(\d{1,9}),(\d{1,9}))?", re.ASCII)


def encode_check(status: str, since: float, milliseconds: float, age: float) -> str:
    """Return the cell of a check that has already run.

    Args:
        status: Its status.
        since: When the status began, in seconds since 1970 by the clock of Redis.
        milliseconds: Duration of the last run.
        age: Seconds since the end of the last run.
    """
    return f"{_LETTERS[status]}{int(since)},{milliseconds:.0f},{age:.0f}"


UNKNOWN_CHECK = _LETTERS["unknown"]
"""The cell of a check that has not run yet."""


class StaticCheck(BaseModel):
    """The part of a check that rarely changes."""

    name: str
    kept: float | None = None
    tags: list[str] = []
    level: int = 1
    severity: str = "critical"


def decode_checks(
    cells: str, reasons: Mapping[str, str], static: Sequence[StaticCheck]
) -> dict[str, CheckState]:
    """Return the states by name; a cell that cannot be read, from a newer release, is `unknown`.

    Args:
        cells: The cells of the beat, separated by spaces.
        reasons: Why checks do not pass, by name.
        static: The checks.
    """
    return {
        fixed.name: CheckState(
            **_decode(cell),
            kept=fixed.kept,
            tags=fixed.tags,
            level=fixed.level,
            severity=fixed.severity,
            reason=reasons.get(fixed.name, ""),
        )
        for fixed, cell in zip(static, _padded(cells.split(), len(static)), strict=False)
    }


def _padded(cells: list[str], length: int) -> Iterable[str]:
    """Return one cell for each check; a check that was added after the beat has not run yet."""
    return [*cells, *[UNKNOWN_CHECK] * (length - len(cells))]


def _decode(cell: str) -> dict[str, Any]:
    found = _CELL.fullmatch(cell)
    if found is None or found[1] not in _STATUSES or found[2] is None:
        return {"status": "unknown"}
    since = datetime.datetime.fromtimestamp(int(found[2]), tz=datetime.UTC)
    return {
        "status": _STATUSES[found[1]],
        "since": since,
        "milliseconds": int(found[3]),
        "age": int(found[4]),
    }
