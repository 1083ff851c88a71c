"""The durations that settings accept."""

import datetime
from datetime import timedelta

import pytest

from c2casgiutils.config import parse_duration

ACCEPTED = {
    "PT1M": timedelta(minutes=1),
    "P1D": timedelta(days=1),
    "P2W": timedelta(weeks=2),
    "P1W2DT3H4M5S": timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5),
    "PT0.5S": timedelta(milliseconds=500),
    "PT0,25S": timedelta(milliseconds=250),
    "PT0S": timedelta(),
    "10m": timedelta(minutes=10),
    "2h30": timedelta(hours=2, minutes=30),
    "1d2h30": timedelta(days=1, hours=2, minutes=30),
    "2h30m": timedelta(hours=2, minutes=30),
    "1w2d3h4m5s": timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5),
    "300": timedelta(seconds=300),
    "0": timedelta(),
    " 10s\n": timedelta(seconds=10),
    "200ms": timedelta(milliseconds=200),
    "1s500ms": timedelta(seconds=1, milliseconds=500),
    "2m3ms": timedelta(minutes=2, milliseconds=3),
    "0.2": timedelta(milliseconds=200),
    "1.000001": timedelta(seconds=1, microseconds=1),
}
REFUSED = [
    *(
        "P1Y",
        "P1M",
        "P",
        "PT",
        "P1DT",
        "PT1.5H",
        "P1D2W",
        "1M2W",
        "-PT1M",
        "abc5",
        "-3h",
        "-3",
        "+3",
        "1.5h",
        ".5",
        "5.",
        "0,5",
        "0.5s",
        "0.0000001",
        "500ms1s",
        "1.5ms",
        "-0.2",
    ),
    *(
        "",
        " ",
        "1h1h",
        "5s1m",
        "1d30",
        "10m30",
        "2h30 5s",
        "2h 30",
        "h",
        "1e3",
        "1_000",
        "٣m",
        "2h30x",
        "PT1M PT1M",
    ),
    *("9" * 30 + "w", "9" * 5000, "infinity", "nan", "10m;", "3600s or so"),
]


@pytest.mark.parametrize(("text", "expected"), ACCEPTED.items(), ids=repr)
def test_accepted(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:20]))
def test_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^Invalid time delta: .*; accepted are ISO 8601 \(PT1M.*short.*seconds"
    ) as error:
        parse_duration(text)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", [None, 5, 1.5, b"5m"], ids=repr)
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^Invalid time delta: "):
        parse_duration(value)  # type: ignore[arg-type]  # what this test is about


def test_a_timedelta_comes_back_itself() -> None:
    duration = datetime.timedelta(microseconds=5)
    assert parse_duration(duration) is duration
