"""Print the names of the metrics of this package, as its code registers them, one a line."""  # noqa: INP001  # a script

import sys
from functools import cache

from fastapi import FastAPI

from c2casgiutils import prometheus
from c2casgiutils.broadcast import _metrics as of_broadcasts
from c2casgiutils.db import _metrics as of_databases
from c2casgiutils.debug import _metrics as of_event_loops
from c2casgiutils.health_checks import _metrics as of_health_checks
from c2casgiutils.prometheus import _clients as of_clients

PREFIX = "c2casgiutils_"
_SUFFIXES = ("_total", "_bucket")


@cache
def names() -> frozenset[str]:
    """The names, without the suffixes of counters and histograms."""
    for module in (of_broadcasts, of_databases, of_health_checks):
        module._metrics(PREFIX)  # noqa: SLF001  # created on first use
    of_event_loops.lag_histogram(PREFIX)
    of_clients._metric(PREFIX)  # noqa: SLF001  # the same
    app = FastAPI()
    prometheus.instrument(app)
    prometheus.InFlightMiddleware(app)
    app.build_middleware_stack()
    return frozenset(metric.name for metric in prometheus.create_registry().collect())


def known(name: str) -> str:
    """Return the name of a metric that exists.

    Args:
        name: The name, with the suffix of a counter or of a histogram.
    """
    stem = name
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    if stem not in names():
        sys.exit(f"{name} is not a metric of c2casgiutils")
    return name


def own(name: str) -> str:
    """Return the name of a metric of this package, which exists, with the default prefix."""
    return known(PREFIX + name)


if __name__ == "__main__":
    print(*sorted(names()), sep="\n")  # noqa: T201  # its output
