"""What watches one event loop, from start-up to shutdown."""

from c2casgiutils import config, instances
from c2casgiutils._threads import run_in_thread
from c2casgiutils.debug._metrics import observe_lag
from c2casgiutils.debug._watchdog import Watchdog


class Watch:
    """The watchdog of an event loop, if there is one, and the metric of its lag."""

    def __init__(self) -> None:
        self._meter = instances.lag()
        self.watchdog: Watchdog | None = None
        self._is_started = False

    def start(self) -> None:
        """Start on the running event loop, whose lag `instances.startup` already measures."""
        if self._is_started:
            return
        self._is_started = True
        self._meter.listen(observe_lag)
        settings = config.settings.debug
        if settings.watchdog:
            self.watchdog = Watchdog(self._meter, settings.stall.total_seconds())
            self.watchdog.start()

    def abort(self) -> None:
        """Stop without waiting."""
        if self._is_started:
            self._is_started = False
            self._meter.ignore(observe_lag)
        if self.watchdog is not None:
            self.watchdog.stop()

    async def aclose(self) -> None:
        """Stop, and wait until the thread has ended."""
        self.abort()
        if self.watchdog is not None:
            await run_in_thread(self.watchdog.join, name="c2casgiutils-watchdog-end")
