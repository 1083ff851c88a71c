"""The log levels that c2casgiutils 0.x stored in Redis: one string for each logger."""

import logging
from collections.abc import AsyncIterator
from typing import Any

from c2casgiutils import config, redis_utils
from c2casgiutils._names import listed
from c2casgiutils.tools import _level_values

_LOGGER = logging.getLogger(__name__)

_BATCH = 500
_MAX_NAMED = 20


async def read() -> dict[str, str | int]:
    """Return the levels by logger; an invalid entry is logged and skipped.

    They are not signed, so with `C2C__REDIS__BROADCAST_SECRET` none is accepted: anybody who can write to
    Redis may have stored them.

    Raises:
        RedisError: Redis is unreachable or refuses.
    """
    master = redis_utils.get()[0]
    found = {} if master is None else {name: level async for name, level in _entries(master)}
    if found and config.settings.redis.broadcast_secret:
        _LOGGER.warning(
            "The log levels that c2casgiutils 0.x stored are not taken over, as they are not signed with "
            "C2C__REDIS__BROADCAST_SECRET; set again what you need: %s",
            listed(sorted(found), most=_MAX_NAMED),
        )
        return {}
    return found


async def _entries(master: Any) -> AsyncIterator[tuple[str, str | int]]:
    keys: list[bytes] = []
    # Read as bytes, as one key or value that is not UTF-8 must not hide the others.
    async for key in master.scan_iter(match=_escaped(_prefix()) + "*", count=1000, NEVER_DECODE=True):
        keys.append(key)
        if len(keys) == _BATCH:
            for entry in await _read_batch(master, keys):
                yield entry
            keys.clear()
    for entry in await _read_batch(master, keys):
        yield entry


async def _read_batch(master: Any, keys: list[bytes]) -> list[tuple[str, str | int]]:
    if not keys:
        return []
    # Not MGET: a key of another type fails alone, and in a cluster the keys are on several nodes.
    async with master.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.execute_command("GET", key, NEVER_DECODE=True)
        values = await pipeline.execute(raise_on_error=False)
    pairs = [(key, value) for key, value in zip(keys, values, strict=True) if value is not None]
    return [entry for entry in (_entry(key, value) for key, value in pairs) if entry is not None]


def _entry(key: bytes, value: object) -> tuple[str, str | int] | None:
    name = key.decode(errors="replace").removeprefix(_prefix())[: _level_values.MAX_NAME_LENGTH]
    if not isinstance(value, bytes):
        _LOGGER.warning("The stored log level of %r was skipped: not a string", name)
        return None
    try:
        checked_name = _level_values.checked_name(key.decode().removeprefix(_prefix()))
        number = _level_values.parse_name(value.decode())
        _level_values.check_allowed(checked_name, number)
    except ValueError as error:
        _LOGGER.warning("The stored log level of %r was skipped: %s", name, error)
        return None
    return checked_name, _level_values.to_store(number)


def _prefix() -> str:
    return config.settings.tools.logging.redis_prefix


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in r"*?[]\^" else char for char in text)
