"""How a figure is spread over many processes."""

import datetime
from typing import Any

import pytest

from c2casgiutils.instances import Instance, Sample
from c2casgiutils.tools import _process_rows, _spread

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
MIB = 2**20


def process(pid: int, memory: float | None = None, **fields: Any) -> Instance:
    figures = {} if memory is None else {"rss_bytes": memory * MIB, "loop_lag_seconds": pid / 1000}
    given = {"started": NOW, "state": "ready", "figures": figures, **fields}
    return Instance(id=f"web:{pid}", hostname="web", pid=pid, **given)


def spread(*roster: Instance, sort: str = "state") -> _spread.Spread | None:
    return _spread.of(_process_rows.rows_of(roster), sort)


ROSTER = [process(1, 1_945), process(2, 80), process(3, 70), process(4, 120)]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("state", ("Memory", (3, "70 MiB"), "100 MiB", (1, "1.9 GiB"), 2)),
        ("memory", ("Memory", (3, "70 MiB"), "100 MiB", (1, "1.9 GiB"), 2)),
        ("lag", ("Loop lag", (1, "1 ms"), "2 ms", (4, "4 ms"), 50)),
    ],
)
def test_least_median_and_most(sort: str, expected: tuple[Any, ...]) -> None:
    """Of the figure of the order, and of the memory in an order without one."""
    found = spread(*ROSTER, sort=sort)
    assert found is not None
    least, most = ((end.row.instance.pid, end.text) for end in (found.least, found.most))
    assert (found.title, least, found.median, most, found.middle) == expected


def test_cpu() -> None:
    """A share between two samples."""
    samples = [Sample(NOW + datetime.timedelta(seconds=5 * turn), cpu_seconds=turn) for turn in range(2)]
    found = spread(process(1, samples=samples), process(2, 80), sort="cpu")
    assert found is not None
    assert (found.median, found.middle) == ("20 %", 50)


def test_who_does_not_count() -> None:
    """Neither who tells nothing nor who is lost, whose memory is free again."""
    found = spread(*ROSTER, process(5), process(6, 9_000, liveness="lost"), process(7, 60, liveness="late"))
    assert found is not None
    assert (found.least.row.instance.pid, found.most.row.instance.pid) == (7, 1)
    assert spread(process(5)) is None
