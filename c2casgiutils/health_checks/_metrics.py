"""The Prometheus metrics of the checks."""

import functools
import logging
from typing import Any

from c2casgiutils import config
from c2casgiutils.health_checks._outcome import Outcome

_LOGGER = logging.getLogger(__name__)
_TEXTS = {
    "failure": "1 while the health check fails, otherwise 0",
    "duration_seconds": "Duration of the last run of the health check",
    "last_run_timestamp_seconds": "Time of the last run of the health check",
}


def record(name: str, outcome: Outcome) -> None:
    """Record an outcome; a skipped check does not fail."""
    figures = _figures(config.settings.prometheus.prefix)
    values = {
        "failure": int(outcome.status == "fail"),
        "duration_seconds": outcome.seconds,
        "last_run_timestamp_seconds": outcome.when.timestamp(),
    }
    for key, gauge in figures.items():
        gauge.labels(name=name).set(values[key])


@functools.cache
def _figures(prefix: str) -> dict[str, Any]:
    import prometheus_client

    figures: dict[str, Any] = {}
    for key, text in _TEXTS.items():
        try:
            figures[key] = prometheus_client.Gauge(
                f"{prefix}health_checks_{key}", text, ["name"], multiprocess_mode="livemostrecent"
            )
        except ValueError as error:
            _LOGGER.warning("No metric %shealth_checks_%s: %s", prefix, key, error)
    return figures
