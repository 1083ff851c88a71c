"""The lag and the stalls of the event loop."""

import math

from pydantic import BaseModel, Field

from c2casgiutils import instances
from c2casgiutils.debug._stalls import Stall
from c2casgiutils.debug._state import STATE


class Lag(BaseModel):
    """The lag of an event loop in the last minute, in milliseconds; null before the first measurement."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class LoopReport(BaseModel):
    """The event loop of one process."""

    instance: str
    lag_ms: Lag = Field(description="how late callbacks were run in the last minute")
    stalls: list[Stall] = Field(description="the last 50, the newest first")


def loop() -> LoopReport:
    """Return the lag and the stalls of the running event loop."""
    watchdog = STATE.watches.nearest().watchdog
    return LoopReport(
        instance=instances.own_id(),
        lag_ms=_summary(instances.lag().recent()),
        stalls=[] if watchdog is None else watchdog.stalls.latest(),
    )


def _summary(lags: list[float]) -> Lag:
    if not lags:
        return Lag()
    lags.sort()
    return Lag(p50=_quantile(lags, 0.5), p99=_quantile(lags, 0.99), max=_milliseconds(lags[-1]))


def _quantile(ordered: list[float], part: float) -> float:
    return _milliseconds(ordered[math.ceil(part * len(ordered)) - 1])


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
