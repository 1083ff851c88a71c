"""Metrics of the switches; `prometheus_client` is loaded with the first one."""

import functools
from typing import TYPE_CHECKING

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Counter


@functools.cache
def _skipped(prefix: str) -> "Counter":
    from prometheus_client import Counter

    return Counter(
        f"{prefix}switches_skipped", "Entries of the store ignored: malformed, unsigned or too large"
    )


def count_skipped() -> None:
    """Count an entry that is ignored."""
    _skipped(config.settings.prometheus.prefix).inc()
