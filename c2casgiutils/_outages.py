"""Outages of dependencies, logged once when they begin and once when they end."""

import logging
import time

from starlette.exceptions import HTTPException

from c2casgiutils._errors import C2cError


class OutageError(C2cError):
    """Base class of errors that only say that Redis or GitHub is unreachable: Sentry ignores them."""


class RedisUnavailableError(OutageError, HTTPException):
    """503: Redis is configured but unreachable."""

    def __init__(self, detail: str) -> None:
        HTTPException.__init__(self, 503, detail, {"Retry-After": "5"})


class Outage:
    """Whether something is failing now: logs once when it begins to fail, and once when it works again.

    Args:
        logger: The logger.
        begun: The message of the beginning, with `%s` for the reason.
        ended: The message of the end, with `%.1f` for the duration in seconds.
        level: The level of the beginning; `logging.ERROR` comes with the traceback of the current exception.
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
        """Return whether it is failing."""
        return self._since is not None

    def begin(self, reason: object) -> None:
        """Note a failure; only the first of a row is logged."""
        if self._since is None:
            self._since = time.monotonic()
            self._logger.log(self._level, self._begun, reason, exc_info=self._level >= logging.ERROR)

    def end(self) -> None:
        """Note a success; only the first after a failure is logged."""
        if self._since is not None:
            self._logger.warning(self._ended, time.monotonic() - self._since)
            self._since = None
