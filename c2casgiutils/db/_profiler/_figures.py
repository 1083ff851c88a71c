"""The figures of statements: those of one process, bounded, and those of several, merged."""

import dataclasses
import heapq
import itertools
import json
import math
from collections.abc import Iterable, Iterator

MAX_STATEMENTS = 500
_MAX_TEXT = 2_000
_SHORT_TEXT = 60
_MAX_BYTES = 1_000_000
"""Maximum size of an answer with 500 statements; a message may have 1 MiB."""
_BYTES_OF_NUMBERS = 350
_BYTES_OF_BUCKET = 14
_LEAST_MS = 0.01
_GROWTH = 1.3
_HIGHEST_BUCKET = 72
"""26 minutes."""
_SHARE = 0.95


@dataclasses.dataclass(slots=True)
class Figures:
    """What is known of a statement in one database.

    Attributes:
        sql: The statement without values.
        database: The name of the database.
        where: The line of the application that sent the slowest one, its path and its function.
        route: Of the request that sent it, with its method.
        buckets: How often it took how long: each bucket ends 1.3 times later than the one before.
        per_request_max: Most executions in one request.
        plan: The plan without values.
    """

    fingerprint: str
    sql: str
    database: str
    count: int = 0
    errors: int = 0
    rows: int = 0
    total_ms: float = 0.0
    max_ms: float = 0.0
    where: str | None = None
    route: str | None = None
    per_request_max: int = 0
    plan: str | None = None
    buckets: dict[int, int] = dataclasses.field(default_factory=dict)

    @property
    def mean_ms(self) -> float:
        """The mean run time."""
        return self.total_ms / self.count if self.count else 0.0

    @property
    def p95_ms(self) -> float:
        """The run time that 95 % of the executions did not exceed, at most 30 % too high."""
        left = math.ceil(self.count * _SHARE)
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0 and bucket < _HIGHEST_BUCKET:
                return min(self.max_ms, _LEAST_MS * _GROWTH**bucket)
        return self.max_ms

    def add(self, milliseconds: float, rows: int, *, is_error: bool) -> bool:
        """Count an execution; return whether it is the slowest one until now."""
        is_slowest = not self.count or milliseconds > self.max_ms
        self.count += 1
        self.errors += is_error
        self.rows += rows
        self.total_ms += milliseconds
        self.max_ms = max(self.max_ms, milliseconds)
        bucket = max(0, math.ceil(math.log(max(milliseconds, _LEAST_MS) / _LEAST_MS, _GROWTH)))
        bucket = min(bucket, _HIGHEST_BUCKET)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        return is_slowest

    def merge(self, other: "Figures") -> None:
        """Add the figures that another process has of the statement."""
        if other.max_ms > self.max_ms:
            self.max_ms, self.where, self.route = other.max_ms, other.where, other.route
        self.count += other.count
        self.errors += other.errors
        self.rows += other.rows
        self.total_ms += other.total_ms
        self.per_request_max = max(self.per_request_max, other.per_request_max)
        self.plan = self.plan or other.plan
        if len(other.sql) > len(self.sql):
            self.sql = other.sql
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count


def merged(answers: Iterable[Iterable[Figures]]) -> list[Figures]:
    """Return the figures of all processes, the statements that took the most time first.

    Args:
        answers: Those of each process.
    """
    by_fingerprint: dict[str, Figures] = {}
    for figures in itertools.chain.from_iterable(answers):
        known = by_fingerprint.get(figures.fingerprint)
        if known is None:
            by_fingerprint[figures.fingerprint] = dataclasses.replace(figures, buckets=dict(figures.buckets))
        else:
            known.merge(figures)
    most_used = heapq.nlargest(MAX_STATEMENTS, by_fingerprint.values(), key=lambda figures: figures.count)
    return list(shortened(sorted(most_used, key=lambda figures: figures.total_ms, reverse=True)))


def shortened(statements: Iterable[Figures]) -> Iterator[Figures]:
    """Return copies that fit into one message; if need be the last ones have a short text and no plan.

    Args:
        statements: Those that matter most first, at most 500.
    """
    figures = list(statements)
    left = _MAX_BYTES - sum(map(_least_bytes_of, figures))
    for each in figures:
        sql, plan = cut(each.sql, _MAX_TEXT), each.plan and cut(each.plan, _MAX_TEXT)
        length = _bytes_of(sql) + _bytes_of(plan)
        if length > left:
            sql, plan = cut(sql, _SHORT_TEXT), None
        else:
            left -= length
        yield dataclasses.replace(each, sql=sql, plan=plan, buckets=dict(each.buckets))


def cut(text: str, length: int) -> str:
    """Return a text with at most so many characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _bytes_of(text: str | None) -> int:
    """Return the size of a text in JSON."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def _least_bytes_of(figures: Figures) -> int:
    """Return the size of figures in JSON with a short text, at most."""
    texts = _bytes_of(cut(figures.sql, _SHORT_TEXT)) + _bytes_of(figures.where) + _bytes_of(figures.route)
    return _BYTES_OF_NUMBERS + texts + _BYTES_OF_BUCKET * len(figures.buckets)
