"""Log levels: read and set them in this process, keep the overrides in Redis."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from c2casgiutils import config, redis_utils

_LOGGER = logging.getLogger(__name__)

NAME_LIMIT = 200
"""The longest name of a logger, in characters."""
QUOTA = 200
"""How many loggers that no module asked for may be given a level; Python never frees a logger."""
_BATCH = 500
_NAMED = 10


class Level(NamedTuple):
    """The level of a logger: its own (`NOTSET` when inherited) and the one in force."""

    name: str
    level: str
    effective_level: str


class StoreUnavailableError(Exception):
    """Redis is configured but did not answer, or refused.

    Args:
        cause: The exception.
        is_uncertain: Redis did not answer in time and may have done what it was asked for all the same.
    """

    def __init__(self, cause: Exception, *, is_uncertain: bool = False) -> None:
        super().__init__(type(cause).__name__)
        self.is_uncertain = is_uncertain


class QuotaExceededError(ValueError):
    """Too many loggers that no module asked for."""


# What this process was told: the overrides that it applied, and the loggers that exist only because of them.
_applied: dict[str, str] = {}
_made_up: set[str] = set()


def checked_name(name: str) -> str:
    """Return the name of a logger if it is an acceptable one.

    Raises:
        ValueError: Empty, longer than 200 characters or with a character that is not printable.
    """
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise ValueError(f"the name of a logger has 1 to {NAME_LIMIT} printable characters")
    return name


def checked_level(level: str) -> str:
    """Return the standard name of a level given in any case (`warn` becomes `WARNING`).

    Raises:
        ValueError: Not the name of a level.
    """
    number = logging.getLevelNamesMapping().get(level.strip().upper())
    if number is None:
        accepted = ", ".join(level_names())
        raise ValueError(f"not the name of a log level; accepted: {accepted}")
    return logging.getLevelName(number)


def level_names() -> list[str]:
    """Return the standard names of all levels, the most severe first."""
    numbers = sorted(set(logging.getLevelNamesMapping().values()), reverse=True)
    return [logging.getLevelName(number) for number in numbers]


def read(name: str) -> Level:
    """Read the level of a logger without creating the logger."""
    logger = _existing(name)
    if logger is not None:
        effective = logging.getLevelName(logger.getEffectiveLevel())
        return Level(name, logging.getLevelName(logger.level), effective)
    parent = name.rpartition(".")[0]
    inherited = read(parent).effective_level if parent else read(logging.root.name).effective_level
    return Level(name, logging.getLevelName(logging.NOTSET), inherited)


def check_quota(name: str) -> None:
    """Refuse one more logger that no module asked for once there are too many of them.

    Raises:
        QuotaExceededError: The logger does not exist and 200 such loggers have been given a level already.
    """
    if _existing(name) is None and len(_made_up) >= QUOTA:
        raise QuotaExceededError(
            f"{QUOTA} loggers that no module uses have been given a level already; name an existing one"
        )


def apply(name: str, level: str) -> Level:
    """Set the level of a logger in this process.

    Raises:
        ValueError: Not an acceptable name or level.
    """
    name, level = checked_name(name), checked_level(level)
    if _existing(name) is None:
        _made_up.add(name)
    logging.getLogger(name).setLevel(level)
    _applied[name] = level
    return read(name)


def applied() -> dict[str, str]:
    """Return the overrides that this process was given and that are still in force, by logger."""
    return {name: level for name, level in _applied.items() if read(name).level == level}


async def store(name: str, level: str, *, timeout_seconds: float) -> None:
    """Keep an override in Redis, if Redis is configured.

    Raises:
        StoreUnavailableError: Redis did not answer in time, or refused.
    """
    import redis.exceptions  # noqa: PLC0415 # imported on first use

    master = redis_utils.get()[0]
    if master is None:
        return
    try:
        async with asyncio.timeout(timeout_seconds):
            await master.set(_prefix() + name, level)
    except (redis.exceptions.TimeoutError, TimeoutError) as error:
        raise StoreUnavailableError(error, is_uncertain=True) from error
    except (redis.exceptions.RedisError, OSError) as error:
        raise StoreUnavailableError(error) from error


async def stored(*, timeout_seconds: float) -> dict[str, str]:
    """Read the overrides that Redis keeps, by logger; a bad entry is skipped and logged.

    Raises:
        StoreUnavailableError: Redis did not answer in time, or refused.
    """
    import redis.exceptions  # noqa: PLC0415 # imported on first use

    master = redis_utils.get()[0]
    if master is None:
        return {}
    try:
        async with asyncio.timeout(timeout_seconds):
            return {name: level async for name, level in _entries(master)}
    except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailableError(error) from error


async def restore(*, timeout_seconds: float) -> None:
    """Apply the overrides that Redis keeps. Redis away: logged, tried again when it is back."""
    try:
        overrides = await stored(timeout_seconds=timeout_seconds)
    except StoreUnavailableError as error:
        _LOGGER.warning("The stored log levels cannot be read now: %s", error)
        return
    changed = [name for name, level in overrides.items() if read(name).level != level]
    for name in changed:
        apply(name, overrides[name])
    if changed:
        _LOGGER.warning("Restored the levels of %s loggers: %s", len(changed), ", ".join(changed[:_NAMED]))


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
        _LOGGER.warning("The stored log level of %r is skipped: not a string", name[:NAME_LIMIT])
        return None
    try:
        return checked_name(key.decode().removeprefix(_prefix())), checked_level(value.decode())
    except ValueError as error:
        _LOGGER.warning("The stored log level of %r is skipped: %s", name[:NAME_LIMIT], error)
        return None


def _existing(name: str) -> logging.Logger | None:
    if name == logging.root.name:
        return logging.root
    logger = logging.root.manager.loggerDict.get(name)
    return logger if isinstance(logger, logging.Logger) else None


def _prefix() -> str:
    return config.settings.tools.logging.redis_prefix


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in r"*?[]\^" else char for char in text)
