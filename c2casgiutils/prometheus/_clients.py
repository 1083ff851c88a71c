"""The metric of the requests to other services, with labels of bounded cardinality."""

import functools
import logging
import threading
from typing import TYPE_CHECKING

from c2casgiutils import config
from c2casgiutils.prometheus._directory import multiprocess_directory
from c2casgiutils.prometheus._requests import METHODS

if TYPE_CHECKING:
    from prometheus_client import Histogram

_LOGGER = logging.getLogger(__name__)

_MAX_HOSTS = 50
_STATUSES = range(100, 600)
_OTHER = "other"
_ERROR = "error"


def observe_client_request(*, method: str, host: str, status: int | None, seconds: float) -> None:
    """Observe a request to another service in `{prefix}http_client_request_duration_seconds`.

    Args:
        method: The method; one that RFC 9110 does not know is `other` in the label.
        host: The host that was asked. The first 50 of the process are in the label, the others are `other`:
            an application may call hosts that its users choose.
        status: The status of the answer, `None` when there was none: `error` in the label.
        seconds: The time until the headers of the answer arrived, or until the failure.
    """
    metric = _metric(config.settings.prometheus.prefix)
    if metric is None:
        return
    histogram, hosts = metric
    labels = {
        "method": method if method in METHODS else _OTHER,
        "host": hosts.label(host),
        "status": _ERROR if status is None else str(status) if status in _STATUSES else _OTHER,
    }
    histogram.labels(**labels).observe(seconds)


class _Hosts:
    """The hosts that have a label of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def label(self, host: str) -> str:
        with self._lock:
            if host not in self._known:
                if len(self._known) >= _MAX_HOSTS:
                    return _OTHER
                self._known.add(host)
        return host


@functools.cache
def _metric(prefix: str) -> "tuple[Histogram, _Hosts] | None":
    from prometheus_client import Histogram

    multiprocess_directory()  # before the first metric, which would fail without it
    name = f"{prefix}http_client_request_duration_seconds"
    try:
        return Histogram(
            name, "Duration of requests to other services", ["method", "host", "status"]
        ), _Hosts()
    except ValueError as error:
        _LOGGER.warning("No metric %s: %s", name, error)
        return None
