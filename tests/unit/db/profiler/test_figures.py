"""The figures of statements, merged and bounded."""

import random

import pytest

from c2casgiutils.broadcast._codec import MAX_MESSAGE_BYTES, encode
from c2casgiutils.db._profiler._figures import Figures, merged, shortened
from c2casgiutils.db._profiler._profiler import Answer


def make(fingerprint: str = "a", *milliseconds: float, **fields: object) -> Figures:
    figures = Figures(fingerprint, f"SELECT {fingerprint}", "default")
    for number in milliseconds:
        figures.add(number, 1, is_error=False)
    for name, value in fields.items():
        setattr(figures, name, value)
    return figures


def test_merged() -> None:
    """Numbers are added, the slowest execution says where it was, the plan is that of whoever has one."""
    first = make("a", 1, 2, where="one", per_request_max=3)
    second = make("a", 50, where="two", route="GET /", errors=1, per_request_max=2, plan="Scan")
    (found,) = merged([[first], [second]])
    assert (found.count, found.errors, found.rows, found.total_ms, found.max_ms) == (3, 1, 3, 53, 50)
    assert (found.where, found.route, found.per_request_max, found.plan) == ("two", "GET /", 3, "Scan")
    assert first.count == 2


def test_order() -> None:
    """Those that took the most time come first; of more than 500 the least used are left out."""
    rare = [make(f"rare {number}", 1_000) for number in range(300)]
    often = [make(f"often {number}", *[number] * 2) for number in range(1, 400)]
    found = merged([rare, often])
    assert len(found) == 500
    assert sum(figures.fingerprint.startswith("often") for figures in found) == 399
    assert [figures.total_ms for figures in found] == sorted((f.total_ms for f in found), reverse=True)


@pytest.mark.parametrize("scale", [0.02, 1, 30, 5_000])
def test_p95(scale: float) -> None:
    """It is at most 30 % too high, also of merged figures."""
    choose = random.Random(4711)  # noqa: S311  # the same numbers each time
    numbers = [choose.lognormvariate(0, 1) * scale for _ in range(2_000)]
    (found,) = merged([[make("a", *numbers[:500])], [make("a", *numbers[500:])]])
    exact = sorted(numbers)[1_899]
    assert exact * 0.99 <= found.p95_ms <= exact * 1.31


def test_p95_of_few() -> None:
    assert make("a").p95_ms == 0
    assert make("a", 7).p95_ms == 7
    assert make("a", *[1] * 99, 10_000_000).p95_ms < 1.4
    assert make("a", 10_000_000).p95_ms == 10_000_000


@pytest.mark.parametrize("character", ["x", '"', "ä", "🐘", "\x01"])
def test_size_of_an_answer(character: str) -> None:
    """The largest answer of a process is a message that can be sent."""
    fields = {
        "sql": character * 50_000,
        "plan": character * 50_000,
        "where": "w" * 100,
        "route": "r" * 100,
        "buckets": dict.fromkeys(range(73), 1_000_000),
    }
    statements = list(shortened([make("f" * 15 + str(number), 1, **fields) for number in range(500)]))
    assert len(encode(Answer("id", "host", 1, 1, 1, statements))) < MAX_MESSAGE_BYTES
    assert len(statements[0].sql) == 2_000
    assert statements[-1].plan is None
