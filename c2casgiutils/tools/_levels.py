"""Log levels in every process: change them, keep them in Redis, restore them."""

import asyncio
import logging
from typing import Any

from fastapi import Request

from c2casgiutils import auth, broadcast
from c2casgiutils._errors import C2cError
from c2casgiutils.broadcast.types import ClusterReport
from c2casgiutils.tools import _level_store, _loggers
from c2casgiutils.tools._level_store import StoreUnavailableError
from c2casgiutils.tools._loggers import OVERRIDES

_LOGGER = logging.getLogger(__name__)

_CHANNEL = "c2c_logging_level"
_TIMEOUT_SECONDS = 2
_STORE_SECONDS = 1.5
_RESTORE_AT_START_SECONDS = 0.5
_RESTORE_SECONDS = 30
_MAX_NAMED = 10


class NotSetError(C2cError):
    """The level could not be set everywhere; the message says what was done."""


async def startup() -> None:
    """Listen for changes and restore the levels that Redis keeps, now and after each lost connection.

    Redis being unreachable is no error: the levels are restored once it is back.
    """
    _loggers.warn_of_lost_records()
    try:
        await broadcast.subscribe(_CHANNEL, _apply)
    except broadcast.BroadcastError:
        _LOGGER.exception("Changes of log levels in other processes will not be heard")
    broadcast.on_restore(_restore)
    if broadcast.is_listening():
        await _restore(timeout_seconds=_RESTORE_AT_START_SECONDS)


async def overrides() -> dict[str, str]:
    """Return the levels that were set at run time, by name: those kept in Redis and those of this process.

    Raises:
        StoreUnavailableError: Redis is configured and unreachable.
    """
    kept = await _level_store.read(timeout_seconds=_TIMEOUT_SECONDS)
    return dict(sorted({**OVERRIDES.in_force(), **kept}.items()))


async def change(name: str, level: str, *, request: Request, auth_info: auth.AuthInfo) -> ClusterReport:
    """Keep a level in Redis, then set it in every process; both together take 2 s at most.

    Raises:
        QuotaExceededError: Too many loggers that no module uses.
        NotSetError: Redis is configured and unreachable.
    """
    OVERRIDES.check_quota(name)
    before = _loggers.read(name).level
    async with auth.audit.recorded(
        "logging.level", request=request, auth_info=auth_info, target=name, before=before, after=level
    ) as record:
        report = await _set_everywhere(name, level)
        record.result = report.result
    return report


async def _set_everywhere(name: str, level: str) -> ClusterReport:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _TIMEOUT_SECONDS
    try:
        await _level_store.write(name, level, timeout_seconds=_STORE_SECONDS)
    except StoreUnavailableError as error:
        if error.is_uncertain:
            raise NotSetError(
                "Redis did not answer in time: no process was changed, but the level may be kept for later"
            ) from error
        raise NotSetError("Redis cannot be reached or written: the level was not changed") from error
    try:
        reply = await broadcast.ask(
            _CHANNEL, _apply, {"name": name, "level": level}, timeout=deadline - loop.time()
        )
    except broadcast.BroadcastError as error:
        raise NotSetError(
            "the level is kept in Redis, but the processes cannot be told now; "
            "they take it when they reach Redis again"
        ) from error
    return reply.report


async def _apply(*, name: str, level: str) -> dict[str, Any]:
    before = _loggers.read(_loggers.checked_name(name)).level
    after = OVERRIDES.apply(name, level)
    if before != after.level:
        _LOGGER.warning("The level of the logger %s was changed from %s to %s", name, before, after.level)
    return after._asdict()


async def _restore(*, timeout_seconds: float = _RESTORE_SECONDS) -> None:
    try:
        kept = await _level_store.read(timeout_seconds=timeout_seconds)
    except StoreUnavailableError as error:
        _LOGGER.warning("The stored log levels cannot be read now: %s", error)
        return
    changed = [name for name, level in kept.items() if _loggers.read(name).level != level]
    for name in changed:
        OVERRIDES.apply(name, kept[name])
    if changed:
        _LOGGER.warning(
            "Restored the levels of %s loggers: %s", len(changed), ", ".join(changed[:_MAX_NAMED])
        )
