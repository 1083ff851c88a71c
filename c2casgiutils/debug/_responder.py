"""The thread that answers other processes while the event loop is blocked."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from c2casgiutils import redis_utils
from c2casgiutils._outages import Outage
from c2casgiutils.broadcast import Asked, RedisBroadcaster

_LOGGER = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.3
"""How long the event loop has to answer itself."""
_WAIT_SECONDS = 5.0
_MIN_BACKOFF_SECONDS = 0.1
_MAX_BACKOFF_SECONDS = 2.0
_STABLE_SECONDS = 5.0
_MAX_PENDING = 20


class _Pending(NamedTuple):
    """A question that the event loop has not answered yet."""

    asked: Asked
    due: float


class Responder:
    """Answers the questions on a channel in a thread, over a connection to Redis of its own.

    The connection goes to the same server as that of the event loop.

    Args:
        broadcaster: The broadcaster of the running event loop.
        channel: The channel.
        answer: Returns the answer as JSON; called in the thread.
    """

    def __init__(self, broadcaster: RedisBroadcaster, channel: str, answer: Callable[[], bytes]) -> None:
        self._link = broadcaster.link
        self._deputy = broadcaster.deputy(channel)
        self._answer = answer
        self._subscriptions = redis_utils.Subscriptions()
        self._subscription: redis_utils.Subscription | None = None
        self._pending: list[_Pending] = []
        self._stopped = threading.Event()
        self._refusal = Outage(
            _LOGGER, "Redis refuses the watchdog: %s", "Redis accepts the watchdog again after %.1f s"
        )
        self._thread = threading.Thread(target=self._run, name="c2casgiutils-responder", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end, and wake it up."""
        self._stopped.set()
        subscription = self._subscription
        if subscription is not None:
            subscription.close()

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()

    def _run(self) -> None:
        wait = _MIN_BACKOFF_SECONDS
        while not self._stopped.wait(wait):
            began = time.monotonic()
            try:
                self._serve()
            except Exception as error:  # noqa: BLE001  # the next connection may work
                self._note(error)
            is_stable = time.monotonic() - began > _STABLE_SECONDS
            wait = _MIN_BACKOFF_SECONDS if is_stable else min(wait * 2, _MAX_BACKOFF_SECONDS)

    def _note(self, error: Exception) -> None:
        """Log a refusal or a fault; the event loop logs that Redis is unreachable."""
        from redis.exceptions import RedisError, ResponseError

        if self._stopped.is_set():
            return
        if isinstance(error, ResponseError):
            self._refusal.begin(redis_utils.describe(error))
        elif isinstance(error, RedisError | OSError):
            _LOGGER.debug("The watchdog is not connected: %s", redis_utils.describe(error))
        else:
            _LOGGER.error("The watchdog could not answer for the event loop", exc_info=error)

    def _serve(self) -> None:
        """Answer until the connection fails, or that of the event loop goes to another server."""
        like = self._link.connection
        if like is None:
            return
        self._pending.clear()
        with contextlib.closing(self._subscriptions.create(self._deputy.channel, like)) as subscription:
            self._subscription = subscription
            address = redis_utils.address_of(like)
            subscription.open()
            while not self._stopped.is_set() and self._is_at(address):
                data = subscription.receive(self._seconds())
                self._refusal.end()
                if data is not None:
                    self._take(data)
                self._answer_due(subscription)

    def _is_at(self, address: object) -> bool:
        """Return whether the connection of the event loop goes to an address, if there is one."""
        like = self._link.connection
        return like is None or redis_utils.address_of(like) == address

    def _seconds(self) -> float:
        """Return how long to wait for a message."""
        if not self._pending:
            return _WAIT_SECONDS
        return max(0.0, self._pending[0].due - time.monotonic())

    def _take(self, data: bytes) -> None:
        asked = self._deputy.take(data)
        if asked is not None and len(self._pending) < _MAX_PENDING:
            self._pending.append(_Pending(asked, time.monotonic() + _PATIENCE_SECONDS))

    def _answer_due(self, subscription: redis_utils.Subscription) -> None:
        """Answer the questions that the event loop has not answered in time, all of them alike."""
        now = time.monotonic()
        due = [pending.asked for pending in self._pending if pending.due <= now]
        del self._pending[: len(due)]
        left = [asked for asked in due if not self._deputy.is_answered(asked)]
        if not left:
            return
        answer = self._answer()
        for asked in left:
            subscription.publish(asked.reply_to, self._deputy.answer(asked, answer))
