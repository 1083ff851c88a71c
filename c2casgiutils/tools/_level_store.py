"""The log levels that Redis keeps, for the processes that start later."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from c2casgiutils import config, redis_utils
from c2casgiutils._errors import C2cError
from c2casgiutils.tools._loggers import MAX_NAME_LENGTH, check_parent, checked_level, checked_name

_LOGGER = logging.getLogger(__name__)

_BATCH = 500


class StoreUnavailableError(C2cError):
    """Redis is configured but did not answer, or refused.

    Args:
        cause: The exception.
        is_uncertain: Redis did not answer in time and may have done what it was asked for all the same.
    """

    def __init__(self, cause: Exception, *, is_uncertain: bool = False) -> None:
        super().__init__(type(cause).__name__)
        self.is_uncertain = is_uncertain


async def write(name: str, level: str, *, timeout_seconds: float) -> None:
    """Keep an override in Redis, if Redis is configured.

    Raises:
        StoreUnavailableError: Redis did not answer in time, or refused.
    """
    master = redis_utils.get()[0]
    if master is None:
        return
    async with _bounded(timeout_seconds):
        await master.set(_prefix() + name, level)


async def read(*, timeout_seconds: float) -> dict[str, str]:
    """Read the overrides that Redis keeps, by logger; a bad entry is skipped and logged.

    Raises:
        StoreUnavailableError: Redis did not answer in time, or refused.
    """
    master = redis_utils.get()[0]
    if master is None:
        return {}
    async with _bounded(timeout_seconds):
        return {name: level async for name, level in _entries(master)}


@contextlib.asynccontextmanager
async def _bounded(seconds: float) -> AsyncIterator[None]:
    import redis.exceptions

    try:
        async with asyncio.timeout(seconds):
            yield
    except (redis.exceptions.TimeoutError, TimeoutError) as error:
        raise StoreUnavailableError(error, is_uncertain=True) from error
    except (redis.exceptions.RedisError, OSError) as error:
        raise StoreUnavailableError(error) from error


async def _entries(master: Any) -> AsyncIterator[tuple[str, str]]:
    keys: list[bytes] = []
    # Read as bytes: one key or value that is no UTF-8 must not hide the others.
    async for key in master.scan_iter(match=_escaped(_prefix()) + "*", count=1000, NEVER_DECODE=True):
        keys.append(key)
        if len(keys) == _BATCH:
            for entry in await _read_batch(master, keys):
                yield entry
            keys.clear()
    for entry in await _read_batch(master, keys):
        yield entry


async def _read_batch(master: Any, keys: list[bytes]) -> list[tuple[str, str]]:
    if not keys:
        return []
    # A pipeline and not MGET: a key of another type fails alone, and a cluster has the keys on several nodes.
    async with master.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.execute_command("GET", key, NEVER_DECODE=True)
        values = await pipeline.execute(raise_on_error=False)
    pairs = [(key, value) for key, value in zip(keys, values, strict=True) if value is not None]
    return [entry for entry in (_entry(key, value) for key, value in pairs) if entry is not None]


def _entry(key: bytes, value: object) -> tuple[str, str] | None:
    name = key.decode(errors="replace").removeprefix(_prefix())
    if not isinstance(value, bytes):
        _LOGGER.warning("The stored log level of %r is skipped: not a string", name[:MAX_NAME_LENGTH])
        return None
    try:
        entry = checked_name(key.decode().removeprefix(_prefix())), checked_level(value.decode())
        check_parent(*entry)
    except ValueError as error:
        _LOGGER.warning("The stored log level of %r is skipped: %s", name[:MAX_NAME_LENGTH], error)
        return None
    return entry


def _prefix() -> str:
    return config.settings.tools.logging.redis_prefix


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in r"*?[]\^" else char for char in text)
