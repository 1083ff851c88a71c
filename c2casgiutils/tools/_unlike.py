"""Processes that are unlike the others: a figure far from the median of all."""

import dataclasses
import datetime
import statistics
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal

from c2casgiutils.instances import Instance, Sample
from c2casgiutils.instances._entry import MAX_SAMPLES

_MIN_ALIKE = 4
"""Fewer processes say nothing about what is usual."""
_DEVIATIONS = 5
_MIN_SHARE = 0.05
"""Of the median; identical processes would have no deviation at all."""
_SETTLED = datetime.timedelta(minutes=1)
"""A process that runs for so long has written samples."""


@dataclasses.dataclass(frozen=True)
class _Figure:
    """A figure that is compared.

    Attributes:
        name: Its name in the entries.
        unit: The unit of the text, `size` in that of the entries.
        least: The number of units that the least difference has.
        read: Return it from a sample.
        remedy: The diagnosis that tells why it differs.
    """

    name: str
    unit: str
    size: float
    least: int
    read: Callable[[Sample], float | None]
    remedy: Literal["memory", "loop"]


_FIGURES = (
    _Figure("rss_bytes", "MiB", 2**20, 16, lambda sample: sample.rss_bytes, "memory"),
    _Figure("loop_lag_seconds", "ms", 0.001, 100, lambda sample: sample.loop_lag_seconds, "loop"),
)


@dataclasses.dataclass(frozen=True)
class Unlike:
    """A process that is unlike the others.

    Attributes:
        instance: The process.
        text: What differs.
        since: When it was like the others last; when it started, if it never was; `None` if its samples do
            not go back so far.
        remedy: The diagnosis that tells why.
    """

    instance: Instance
    text: str
    since: datetime.datetime | None
    remedy: Literal["memory", "loop"]


def find(living: Collection[Instance]) -> Iterator[Unlike]:
    """Return the processes of which a figure is far from that of the others; scripts are not compared."""
    compared = [instance for instance in living if not instance.script]
    for figure in _FIGURES:
        values = [one.figures[figure.name] for one in compared if figure.name in one.figures]
        usual = _Usual.of(values, figure)
        if usual is None:
            continue
        past = _Past(compared, figure)
        for instance in compared:
            value = instance.figures.get(figure.name)
            if value is not None and not usual.has(value):
                name = figure.name.rpartition("_")[0]
                yield Unlike(
                    instance,
                    f"{name} {value / figure.size:.0f} {figure.unit}, "
                    f"the others {usual.median / figure.size:.0f} {figure.unit}",
                    past.since(instance),
                    figure.remedy,
                )


@dataclasses.dataclass(frozen=True)
class _Usual:
    """What is usual: the median, and how far from it."""

    median: float
    allowed: float

    @classmethod
    def of(cls, values: Sequence[float], figure: _Figure) -> "_Usual | None":
        """Return what is usual among these values; `None` if they are too few."""
        if len(values) < _MIN_ALIKE:
            return None
        median = statistics.median(values)
        deviation = statistics.median(abs(value - median) for value in values)
        allowed = max(_DEVIATIONS * max(deviation, _MIN_SHARE * median), figure.least * figure.size)
        return cls(median, allowed)

    def has(self, value: float) -> bool:
        """Return whether a value is usual."""
        return abs(value - self.median) <= self.allowed


class _Past:
    """What was usual when the samples were taken.

    Args:
        compared: The processes.
        figure: The figure that is compared.
    """

    def __init__(self, compared: Collection[Instance], figure: _Figure) -> None:
        self._figure = figure
        self._starts = [instance.started for instance in compared]
        self._rings = [instance.samples for instance in compared]
        full = [ring[0].at for ring in self._rings if len(ring) >= MAX_SAMPLES]  # it had others before
        self._horizon = max(full, default=None)
        self._usual: dict[datetime.datetime, _Usual | None] = {}

    def since(self, instance: Instance) -> datetime.datetime | None:
        """Return when a process was like the others last, as far as samples tell."""
        for sample in reversed(instance.samples):
            value = self._figure.read(sample)
            if value is None or (self._horizon is not None and sample.at <= self._horizon):
                return None
            usual = self._usual_at(sample.at)
            if usual is None and sum(start <= sample.at - _SETTLED for start in self._starts) >= _MIN_ALIKE:
                return None  # there were others, whose samples are not known
            if usual is None or usual.has(value):
                return sample.at.replace(microsecond=0)
        return instance.started if instance.samples else None

    def _usual_at(self, at: datetime.datetime) -> _Usual | None:
        moment = at.replace(microsecond=0)  # processes that beat in the same second share it
        if moment not in self._usual:
            found = (_value_at(ring, at, self._figure) for ring in self._rings)
            self._usual[moment] = _Usual.of([value for value in found if value is not None], self._figure)
        return self._usual[moment]


def _value_at(ring: Sequence[Sample], at: datetime.datetime, figure: _Figure) -> float | None:
    """Return a figure as it was at a moment: that of the last sample before it."""
    sample = next((sample for sample in reversed(ring) if sample.at <= at), None)
    return None if sample is None else figure.read(sample)
