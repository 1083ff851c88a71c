"""The figures of a process as the pages show them: the last value, and the course as the points of a line."""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence

from c2casgiutils.instances import Instance, Sample

_HEIGHT = 14
_STEP = 2
_MAX_VALUES = 60
_LEAST_SECONDS = 1.0
"""Of a rate: a beat that is sent early follows the last one at once."""

Course = Sequence[tuple[datetime.datetime, float]]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of a process.

    Attributes:
        title: What it is.
        value: The last value, `None` if the process does not report it.
        text: The same with its unit.
        points: Of an SVG polyline in a box of 60 by 16.
        course: The line in words.
    """

    title: str
    value: float | None = None
    text: str = ""
    points: str = ""
    course: str = ""


@dataclasses.dataclass(frozen=True)
class _Kind:
    title: str
    figure: str | None
    read: Callable[[Sequence[Sample]], Course]
    write: Callable[[float], str]
    from_zero: bool = True


def in_bytes(value: float) -> str:
    """Return a size as people read it."""
    return f"{value / 2**30:.1f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def in_seconds(value: float) -> str:
    """Return a short time as people read it."""
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def _share(value: float) -> str:
    return f"{value * 100:.0f} %"


def _reported(name: str) -> Callable[[Sequence[Sample]], Course]:
    def read(samples: Sequence[Sample]) -> Course:
        pairs = ((sample.at, getattr(sample, name)) for sample in samples)
        return [(at, value) for at, value in pairs if value is not None]

    return read


def _cpu_share(samples: Sequence[Sample]) -> Course:
    """Return the used share of a processor between the samples."""
    found: list[tuple[datetime.datetime, float]] = []
    before: tuple[datetime.datetime, float] | None = None
    for at, used in _reported("cpu_seconds")(samples):
        if before is None:
            before = (at, used)
        elif (seconds := (at - before[0]).total_seconds()) >= _LEAST_SECONDS:
            found.append((at, max(0.0, used - before[1]) / seconds))
            before = (at, used)
    return found


_KINDS: Mapping[str, _Kind] = {
    "memory": _Kind("Memory", "rss_bytes", _reported("rss_bytes"), in_bytes, from_zero=False),
    "cpu": _Kind("CPU", None, _cpu_share, _share),
    "lag": _Kind("Loop lag", "loop_lag_seconds", _reported("loop_lag_seconds"), in_seconds),
    "in_flight": _Kind("In flight", "requests_in_flight", _reported("requests_in_flight"), "{:.0f}".format),
}
TITLES = {name: kind.title for name, kind in _KINDS.items()}
"""The figures that each process has a line of, in the order of the columns."""


def latest(name: str, instance: Instance) -> float | None:
    """Return the last value of a figure, `None` if the process does not report it."""
    kind = _KINDS[name]
    return _latest(kind, instance, () if kind.figure else kind.read(instance.samples))


def writer(name: str) -> Callable[[float], str]:
    """Return what writes a figure with its unit."""
    return _KINDS[name].write


def of(instance: Instance) -> dict[str, Figure]:
    """Return the figures of a process by name, see `TITLES`."""
    return {name: _figure(kind, instance) for name, kind in _KINDS.items()}


def others(instance: Instance) -> dict[str, float]:
    """Return the figures of a process that `of` does not have already, with its names and units."""
    shown = {kind.figure for kind in _KINDS.values()}
    return {name: value for name, value in instance.figures.items() if name not in shown}


def _latest(kind: _Kind, instance: Instance, course: Course) -> float | None:
    if kind.figure:
        return instance.figures.get(kind.figure)
    return course[-1][1] if course else None


def _figure(kind: _Kind, instance: Instance) -> Figure:
    course = kind.read(instance.samples)
    value = _latest(kind, instance, course)
    if value is None:
        return Figure(kind.title)
    values = [number for _, number in course]
    if len(values) <= _STEP:
        return Figure(kind.title, value, kind.write(value))
    low, high = min(values), max(values)
    minutes = max(1, round((course[-1][0] - course[0][0]).total_seconds() / 60))
    return Figure(
        kind.title,
        value,
        kind.write(value),
        points_of(values, from_zero=kind.from_zero),
        f"{kind.title} from {kind.write(low)} to {kind.write(high)} in {minutes} min",
    )


def points_of(values: Sequence[float], *, from_zero: bool) -> str:
    """Return the points of a polyline: of two values the larger one, and nothing within a level part.

    Args:
        values: Evenly spaced; the last 60 are drawn.
        from_zero: Whether the lower edge is zero; otherwise it is the least value, and the height at least a
            fifth of the largest, so that a steady figure is a level line.
    """
    values = values[-_MAX_VALUES:]
    values = [max(values[x : x + _STEP]) for x in range(0, len(values), _STEP)]
    high = max(values)
    low = 0.0 if from_zero else min(values)
    span = max(high - low, high / 5) or 1.0
    heights = [_HEIGHT + 1 - round(_HEIGHT * (value - low) / span) for value in values]
    return " ".join(f"{_STEP * x},{heights[x]}" for x in _corners(heights))


def _corners(heights: Sequence[int]) -> Iterable[int]:
    last = len(heights) - 1
    for x, height in enumerate(heights):
        if x in (0, last) or not heights[x - 1] == height == heights[x + 1]:
            yield x
