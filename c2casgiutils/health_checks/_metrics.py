"""The Prometheus metrics of the checks."""

import functools
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from c2casgiutils import config, prometheus
from c2casgiutils.health_checks._outcome import Outcome

if TYPE_CHECKING:
    from prometheus_client import Gauge, Histogram

_LOGGER = logging.getLogger(__name__)

_T = TypeVar("_T")


class _Metrics(NamedTuple):
    """The metrics; `None` for one whose name is taken by the application."""

    failure: "Gauge | None"
    last_run: "Gauge | None"
    duration: "Histogram | None"


def record(name: str, outcome: Outcome) -> None:
    """Record an outcome; a skipped check does not fail."""
    metrics = _metrics(config.settings.prometheus.prefix)
    if metrics.failure is not None:
        metrics.failure.labels(name=name).set(int(outcome.status == "fail"))
    if metrics.last_run is not None:
        metrics.last_run.labels(name=name).set(outcome.when.timestamp())
    if metrics.duration is not None:
        metrics.duration.labels(name=name).observe(outcome.seconds)


def record_versions(configuration: str, gone: Collection[str], present: Collection[str]) -> None:
    """Record the revisions that a database is at.

    Args:
        configuration: The configuration file of Alembic.
        gone: The revisions that it was at before.
        present: Those that it is at now.
    """
    gauge = _alembic_version(config.settings.prometheus.prefix)
    if gauge is not None:
        gauge.replace(configuration, gone, present)


@functools.cache
def _metrics(prefix: str) -> _Metrics:
    from prometheus_client import Gauge, Histogram

    def gauge(name: str, text: str) -> "Gauge | None":
        full = f"{prefix}health_checks_{name}"
        return _created(lambda: Gauge(full, text, ["name"], multiprocess_mode="livemostrecent"))

    duration = f"{prefix}health_check_duration_seconds"
    return _Metrics(
        gauge("failure", "1 while the health check fails, otherwise 0"),
        gauge("last_run_timestamp_seconds", "Time of the last run of the health check"),
        _created(lambda: Histogram(duration, "Duration of the health check", ["name"])),
    )


@functools.cache
def _alembic_version(prefix: str) -> prometheus.PresentGauge | None:
    text = "1 for the revision that the database is at"
    return _created(lambda: prometheus.PresentGauge(prefix, "alembic_version", text))


def _created(create: Callable[[], _T]) -> _T | None:
    try:
        return create()
    except ValueError as error:
        _LOGGER.warning("A metric of the health checks is missing: %s", error)
        return None
