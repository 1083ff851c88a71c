"""Metrics of the roster; `prometheus_client` is loaded with the first one."""

import functools
from typing import TYPE_CHECKING

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Counter


@functools.cache
def _skipped(prefix: str) -> "Counter":
    from prometheus_client import Counter

    return Counter(
        f"{prefix}instances_skipped",
        "Entries of the roster ignored by a reader: malformed, unsigned or too large",
    )


def count_skipped() -> None:
    """Count an entry that is ignored."""
    _skipped(config.settings.prometheus.prefix).inc()
