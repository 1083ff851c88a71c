"""Processes that are unlike the others, and since when."""

import datetime

import pytest

from c2casgiutils.instances import Instance, Sample
from c2casgiutils.tools import _unlike

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
BEAT = datetime.timedelta(seconds=5)
HOUR = datetime.timedelta(hours=1)
MIB = 2**20


def process(pid: int, *memory: float, started: datetime.datetime = NOW - HOUR) -> Instance:
    """A process with samples, the last one now; memory in MiB."""
    samples = [
        Sample(NOW - turn * BEAT, value * MIB)
        for turn, value in zip(range(len(memory))[::-1], memory, strict=True)
    ]
    figures = {"rss_bytes": memory[-1] * MIB}
    return Instance(
        id=f"web:{pid}", hostname="web", pid=pid, started=started, figures=figures, samples=samples
    )


def usual(count: int = 60, **fields: datetime.datetime) -> list[Instance]:
    return [process(pid, *[80] * count, **fields) for pid in range(1, 6)]


JUST = NOW - 9 * BEAT
"""The start of processes whose first sample is a beat later."""
CASES = {
    "since it was like them last": ([80] * 50 + [2_000] * 10, usual(), NOW - 10 * BEAT),
    "since a moment": ([80] * 59 + [2_000], usual(), NOW - BEAT),
    "only the last time counts": ([2_000] * 40 + [80] * 10 + [2_000] * 10, usual(), NOW - 10 * BEAT),
    "for longer than there are samples": ([2_000] * 60, usual(), None),
    "since its start": ([2_000] * 20, usual(), NOW - HOUR),
    "the others were different, too": (
        [2_000] * 60,
        [process(pid, *[2_000] * 50, *[80] * 10) for pid in range(1, 6)],
        NOW - 10 * BEAT,
    ),
    "all started together": ([2_000] * 9, usual(9, started=JUST), NOW - HOUR),
    "samples of the others are missing": ([2_000] * 20, usual(1), None),
    "the others came later": ([2_000] * 20, usual(9, started=JUST), NOW - 9 * BEAT),
}


@pytest.mark.parametrize("name", CASES)
def test_since_when(name: str) -> None:
    """As far as the samples tell; never a guess."""
    memory, others, since = CASES[name]
    (found,) = _unlike.find([*others, process(9, *memory)])
    assert found.instance.pid == 9
    assert found.text == "rss 2000 MiB, the others 80 MiB"
    assert found.since == since
    assert found.remedy == "memory"


def test_scripts_are_not_compared() -> None:
    script = process(9, 2_000).model_copy(update={"script": "job"})
    assert list(_unlike.find([*usual(), script])) == []
