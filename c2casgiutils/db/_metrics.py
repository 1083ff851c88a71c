"""Metrics of the databases; `prometheus_client` is loaded with the first one."""

import functools
from typing import TYPE_CHECKING, NamedTuple

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Gauge


class _Metrics(NamedTuple):
    replica_up: "Gauge"


@functools.cache
def _metrics(prefix: str) -> _Metrics:
    from prometheus_client import Gauge

    return _Metrics(
        Gauge(
            f"{prefix}db_replica_up",
            "1 while reads use the replica, 0 while they use the primary",
            ["database"],
            multiprocess_mode="livemin",
        )
    )


def _current() -> _Metrics:
    return _metrics(config.settings.prometheus.prefix)


def set_replica_up(database: str, is_up: bool) -> None:
    """Note whether reads use the replica."""
    _current().replica_up.labels(database).set(is_up)
