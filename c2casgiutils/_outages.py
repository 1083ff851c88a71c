"""Outages of dependencies: logged once when they begin and once when they end, with a limit on waiting."""

import contextlib
import contextvars
import logging
import time
from collections.abc import Iterator

from starlette.exceptions import HTTPException

from c2casgiutils._errors import C2cError

_MIN_SECONDS = 0.2
"""Timeout of a wait when no time is left: enough for a Redis that replies."""


class OutageError(C2cError):
    """Base class of errors caused only by what is unreachable or in maintenance; not reported to Sentry."""


class RedisUnavailableError(OutageError, HTTPException):
    """Redis is configured but unreachable; a view that does not catch it answers 503.

    Args:
        text: For logs and the caller; may name the address of Redis.
        detail: The text of the answer; by default the same.
    """

    def __init__(self, text: str, detail: str | None = None) -> None:
        HTTPException.__init__(self, 503, detail or text, {"Retry-After": "5"})
        self._text = text

    def __str__(self) -> str:
        """Return the text without the status."""
        return self._text


class Outage:
    """Tracks whether something is failing, and logs only the first failure and the recovery.

    Args:
        logger: The logger.
        begun: The message at the beginning, with `%s` for the reason.
        ended: The message at the end, with `%.1f` for the duration in seconds.
        level: The level of the first message; `logging.ERROR` adds the traceback of the current exception.
    """

    def __init__(
        self, logger: logging.Logger, begun: str, ended: str, *, level: int = logging.WARNING
    ) -> None:
        self._logger = logger
        self._begun = begun
        self._ended = ended
        self._level = level
        self._since: float | None = None

    @property
    def is_on(self) -> bool:
        """Return whether the last attempt failed."""
        return self._since is not None

    @property
    def seconds(self) -> float | None:
        """How long ago the first of the failures in a row was; `None` if the last attempt succeeded."""
        return None if self._since is None else time.monotonic() - self._since

    def begin(self, reason: object) -> None:
        """Record a failure; only the first one in a row is logged."""
        if self._since is None:
            self._since = time.monotonic()
            self._logger.log(self._level, self._begun, reason, exc_info=self._level >= logging.ERROR)

    def end(self) -> None:
        """Record a success; only the first one after a failure is logged."""
        if self._since is not None:
            self._logger.warning(self._ended, time.monotonic() - self._since)
            self._since = None


class _Budget:
    """The time that a request may still spend waiting, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


_BUDGET: contextvars.ContextVar[_Budget | None] = contextvars.ContextVar(
    "c2casgiutils_waiting_budget", default=None
)


@contextlib.contextmanager
def limit_waiting(seconds: float) -> Iterator[None]:
    """Limit the total time of all `waiting` blocks inside.

    While Redis does not reply, the timeouts of authentication, change and audit log would add up.

    Args:
        seconds: The limit, which includes a minimal timeout for the last wait.
    """
    token = _BUDGET.set(_Budget(seconds - _MIN_SECONDS))
    try:
        yield
    finally:
        _BUDGET.reset(token)


@contextlib.contextmanager
def waiting(seconds: float) -> Iterator[float]:
    """Yield the timeout to use in this block, and subtract the duration of the block from the limit.

    Args:
        seconds: The timeout without a limit.
    """
    budget = _BUDGET.get()
    if budget is None:
        yield seconds
        return
    started = time.monotonic()
    try:
        yield min(seconds, max(budget.seconds, _MIN_SECONDS))
    finally:
        budget.seconds -= time.monotonic() - started
