"""Metrics of the switches; `prometheus_client` is imported when the first one is used."""

import functools
from typing import TYPE_CHECKING

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Counter


@functools.cache
def _skipped(prefix: str) -> "Counter":
    from prometheus_client import Counter

    return Counter(f"{prefix}switches_skipped", "Stored entries ignored: malformed, unsigned or too large")


def count_skipped() -> None:
    """Count an ignored entry."""
    _skipped(config.settings.prometheus.prefix).inc()
