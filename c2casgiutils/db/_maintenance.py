"""Maintenance: for a while no transaction that may write begins, in any process; a kind of switch."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from c2casgiutils import switches
from c2casgiutils._outages import OutageError
from c2casgiutils._process import PerLoop
from c2casgiutils.db import _maintenance_of_c2cwsgiutils
from c2casgiutils.db._writers import Writers
from c2casgiutils.switches import Setting

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LOGGER = logging.getLogger(__name__)

_RETRY_SECONDS = 60
_JUST_SECONDS = 60.0
"""How long requests that began in maintenance may still have a session for reading."""
_MOST_RETRY_SECONDS = 3600


class MaintenanceError(OutageError, HTTPException):
    """The databases are in maintenance, so nothing can be written; a view that does not catch it answers 503.

    Attributes:
        setting: The maintenance: who began it, why, and until when.
    """

    def __init__(self, setting: Setting) -> None:
        reason = f": {setting.reason}" if setting.reason else ""
        seconds = retry_after(setting)
        HTTPException.__init__(
            self, 503, f"The database is in maintenance, read-only{reason}", {"Retry-After": str(seconds)}
        )
        self.setting = setting

    def __str__(self) -> str:
        """Return the text without the status."""
        return self.detail


def retry_after(setting: Setting) -> int:
    """Return the seconds after which to try again: until the end, at most an hour."""
    if setting.expires is None:
        return _RETRY_SECONDS
    return min(max(1, math.ceil(setting.expires - switches.now())), _MOST_RETRY_SECONDS)


class _Applied:
    """What one event loop has applied, and when the last maintenance ended there (monotonic clock)."""

    def __init__(self) -> None:
        self.setting: Setting | None = None
        self.ended = -math.inf


class Maintenance(switches.Kind):
    """Whether the databases are read-only: the key is empty, the value `true`.

    Attributes:
        writers: The running transactions of this process that may write.
    """

    name = "maintenance"

    def __init__(self) -> None:
        self.writers = Writers()
        self._applied = PerLoop(_Applied)

    def check(self, key: str, value: Any) -> None:
        """See `Kind.check`."""
        if key or value is not True:
            raise ValueError("maintenance has no key, and its only value is true")

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        applied = self._applied.get()
        for setting in changes.values():
            applied.setting = setting
            if setting is None:
                applied.ended = time.monotonic()
                _LOGGER.warning("The maintenance of the databases ended")
                self.writers.wake()
            else:
                end = setting.expires_at
                until = "" if end is None else f" until {end:%Y-%m-%d %H:%M:%S} UTC"
                _LOGGER.warning(
                    "The databases are in maintenance, read-only%s, by %r, for the reason %r",
                    until,
                    setting.by,
                    setting.reason,
                )

    async def inherit(self) -> Mapping[str, Any]:
        """Return the flag that c2cwsgiutils stored in Redis."""
        return {"": True} if await _maintenance_of_c2cwsgiutils.read() else {}

    def current(self) -> Setting | None:
        """Return the maintenance in force, that of another event loop of this process included."""
        for applied in self._of_all_loops():
            setting = applied.setting
            if setting is not None and (setting.expires is None or setting.expires > switches.now()):
                return setting
        return None

    def has_just_ended(self) -> bool:
        """Return whether a request may have a session for reading only because it began in maintenance."""
        return any(time.monotonic() - applied.ended < _JUST_SECONDS for applied in self._of_all_loops())

    def _of_all_loops(self) -> list[_Applied]:
        own = self._applied.peek()
        return ([] if own is None else [own]) + self._applied.elsewhere()

    def forget(self) -> None:
        """Forget what this event loop has applied; the switches apply it again."""
        self._applied.pop()

    def begin(self, session: "Session") -> None:
        """Count the transaction that a session begins.

        Raises:
            MaintenanceError: The databases are in maintenance.
        """
        if session not in self.writers:
            if not session.info.get(IGNORES_MAINTENANCE):
                self.require_off()
            self.writers.add(session)

    def require_off(self) -> None:
        """Raise if the databases are in maintenance.

        Raises:
            MaintenanceError: They are.
        """
        setting = self.current()
        if setting is not None:
            raise MaintenanceError(setting)

    async def wait_idle(self, seconds: float) -> None:
        """Wait until no transaction runs or the maintenance ends, or for the given time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.writers.wait_for(lambda: not len(self.writers) or self.current() is None)


IGNORES_MAINTENANCE = "c2casgiutils_ignores_maintenance"
"""The key of the `info` of sessions that may write in maintenance."""


def kind() -> Maintenance:
    """Return the maintenance of this process."""
    known = switches.kind(Maintenance.name)
    return known if isinstance(known, Maintenance) else switches.register(Maintenance())


def startup() -> None:
    """Take part, from the start of the switches on."""
    known = kind()
    known.forget()
    switches.register(known)


def maintenance() -> Setting | None:
    """Return the maintenance in force in this process (who, why, until when), `None` without one."""
    return kind().current()
