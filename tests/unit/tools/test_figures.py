"""The figures of a process, and the lines of their course."""

import datetime
from collections.abc import Sequence
from typing import Any

import pytest

from c2casgiutils.instances import Instance, Sample
from c2casgiutils.tools import _figures

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def samples(*figures: Sequence[float | None], every: float = 5) -> list[Sample]:
    return [
        Sample(NOW + datetime.timedelta(seconds=every * turn), *values) for turn, values in enumerate(figures)
    ]


def instance(**fields: Any) -> Instance:
    return Instance(id="web:1:aa", hostname="web", pid=1, started=NOW, **fields)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 MiB"), (80 * 2**20, "80 MiB"), (2**30 - 1, "1024 MiB"), (1.9 * 2**30, "1.9 GiB")],
)
def test_sizes(value: float, text: str) -> None:
    assert _figures.in_bytes(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 ms"), (0.0124, "12 ms"), (1, "1.0 s"), (4.24, "4.2 s")])
def test_short_times(value: float, text: str) -> None:
    assert _figures.in_seconds(value) == text


def test_a_process_that_tells_nothing() -> None:
    """No figure is made up."""
    found = _figures.of(instance())
    assert list(found) == ["memory", "cpu", "lag", "in_flight"]
    assert {(figure.value, figure.text, figure.points) for figure in found.values()} == {(None, "", "")}


def test_last_values_and_courses() -> None:
    """The share of a processor is that between two beats; the line is also told in words."""
    ring = samples((80 * 2**20, 10, 0.001, 0), (90 * 2**20, 11, 0.2, 2), (100 * 2**20, 13.5, 0.001, 1))
    figures = {"rss_bytes": 100 * 2**20, "loop_lag_seconds": 0.001, "requests_in_flight": 1}
    found = _figures.of(instance(samples=ring, figures=figures))
    texts = {name: figure.text for name, figure in found.items()}
    assert texts == {"memory": "100 MiB", "cpu": "50 %", "lag": "1 ms", "in_flight": "1"}
    assert found["lag"].course == "Loop lag from 1 ms to 200 ms in 1 min"
    assert found["memory"].points


def test_a_beat_that_is_sent_early_makes_no_peak() -> None:
    """Two beats within a millisecond say nothing of the share of a processor."""
    early = samples((None, 10), (None, 10.1))
    ring = [
        *early,
        early[-1]._replace(at=early[-1].at + datetime.timedelta(milliseconds=1), cpu_seconds=10.2),
    ]
    assert _figures.of(instance(samples=ring))["cpu"].text == "2 %"


@pytest.mark.parametrize(
    ("values", "from_zero", "points"),
    [
        pytest.param([1, 1, 1, 1, 1, 1], True, "0,1 4,1", id="level"),
        pytest.param([80, 80, 80, 80.1, 80, 80], False, "0,15 4,15", id="nearly level"),
        pytest.param([0, 0, 0, 0], True, "0,15 2,15", id="zero"),
        pytest.param([0, 0, 0, 9, 0, 0], True, "0,15 2,1 4,15", id="a peak"),
        pytest.param([100, 100, 150, 150, 200, 200], False, "0,15 2,8 4,1", id="growing"),
    ],
)
def test_points(values: list[float], from_zero: bool, points: str) -> None:
    """A peak is kept, a steady figure is a level line."""
    assert _figures.points_of(values, from_zero=from_zero) == points


def test_at_most_sixty_values_are_drawn() -> None:
    points = _figures.points_of([float(number % 7) for number in range(500)], from_zero=True).split()
    assert len(points) <= 30
    assert points[-1].startswith("58,")
