"""What watches one event loop, from start-up to shutdown."""

from c2casgiutils import broadcast, config, instances
from c2casgiutils._threads import run_in_thread
from c2casgiutils.debug._metrics import LagRecorder
from c2casgiutils.debug._responder import Responder
from c2casgiutils.debug._watchdog import Watchdog

STACKS_CHANNEL = "c2c_debug_stacks"
"""The questions on this channel are answered while the event loop is blocked."""


class Watch:
    """The watchdog of an event loop, the thread that answers for it, and the metric of the lag."""

    def __init__(self) -> None:
        self._meter = instances.lag()
        self._recorder = LagRecorder()
        self.watchdog: Watchdog | None = None
        self._responder: Responder | None = None
        self._is_started = False

    @property
    def is_current(self) -> bool:
        """Return whether the lag of the event loop is still measured by the same meter."""
        return self._meter is instances.lag()

    def start(self) -> None:
        """Start on the running event loop, after `broadcast.startup`."""
        if self._is_started:
            return
        self._is_started = True
        self._meter.listen(self._recorder.note)
        settings = config.settings.debug
        if not settings.watchdog:
            return
        watchdog = self.watchdog = Watchdog(self._meter, settings.stall.total_seconds())
        watchdog.start()
        broadcaster = broadcast.redis_broadcaster()
        if broadcaster is not None:
            id_ = instances.own_id()
            self._responder = Responder(
                broadcaster, STACKS_CHANNEL, lambda: watchdog.collect(id_).model_dump_json().encode()
            )
            self._responder.start()

    def abort(self) -> None:
        """Stop without waiting."""
        if self._is_started:
            self._is_started = False
            self._meter.ignore(self._recorder.note)
        for thread in (self.watchdog, self._responder):
            if thread is not None:
                thread.stop()

    async def aclose(self) -> None:
        """Stop, and wait until the threads have ended."""
        self.abort()
        self._recorder.flush()
        for thread in (self.watchdog, self._responder):
            if thread is not None:
                await run_in_thread(thread.join, name="c2casgiutils-watchdog-end")
