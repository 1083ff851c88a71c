"""Metrics of the event loop; `prometheus_client` is imported when the first one is used."""

import functools
from typing import TYPE_CHECKING

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Histogram

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_AT_ONCE = 10


@functools.cache
def lag_histogram(prefix: str) -> "Histogram":
    """Return the histogram of the lag.

    Args:
        prefix: Prefix of its name.
    """
    from prometheus_client import Histogram

    return Histogram(f"{prefix}event_loop_lag_seconds", "Lag of the event loop", buckets=_BUCKETS)


class LagRecorder:
    """Adds measured lags to the histogram, those of a second at once, which costs less than one by one."""

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._histogram = lag_histogram(config.settings.prometheus.prefix)

    def note(self, _due: float, seconds: float) -> None:
        """Note a measured lag.

        Args:
            seconds: The lag.
        """
        self._lags.append(seconds)
        if len(self._lags) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Add what was noted."""
        lags, self._lags = self._lags, []
        for seconds in lags:
            self._histogram.observe(seconds)
