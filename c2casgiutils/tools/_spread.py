"""How a figure is spread over many processes: the least, the median and the most."""

import dataclasses
import statistics
from collections.abc import Iterable

from c2casgiutils.tools import _figures
from c2casgiutils.tools._process_rows import Row

_USUAL = "memory"
"""The figure of a table that is not ordered by one."""
_GONE = "lost"


@dataclasses.dataclass(frozen=True)
class End:
    """A process at an end of the spread, and its figure."""

    row: Row
    text: str


@dataclasses.dataclass(frozen=True)
class Spread:
    """How a figure is spread.

    Attributes:
        title: What the figure is.
        least: The process with the least.
        median: The median of all.
        most: The process with the most.
        middle: Where the median is between the two, in percent.
    """

    title: str
    least: End
    median: str
    most: End
    middle: int


def of(rows: Iterable[Row], sort: str) -> Spread | None:
    """Return the spread of the figure that a table is ordered by; `None` if no process reports it.

    Args:
        rows: All processes; what those that are lost told last does not count.
        sort: The column; the memory is taken instead of one that has no figures.
    """
    name = sort if sort in _figures.TITLES else _USUAL
    known = [
        (value, row)
        for row in rows
        if row.word != _GONE and (value := _figures.latest(name, row.instance)) is not None
    ]
    if not known:
        return None
    least, most = (pick(known, key=lambda pair: pair[0]) for pick in (min, max))
    median = statistics.median(value for value, _ in known)
    share = (median - least[0]) / (most[0] - least[0]) if most[0] > least[0] else 0.5
    write = _figures.writer(name)
    return Spread(
        _figures.TITLES[name],
        End(least[1], write(least[0])),
        write(median),
        End(most[1], write(most[0])),
        round(100 * share),
    )
