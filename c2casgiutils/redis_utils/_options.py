"""Options of the connections to Redis and to the sentinels, from the settings."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from c2casgiutils import config

DEFAULTS: dict[str, Any] = {
    "socket_connect_timeout": 1,
    "socket_timeout": 1.5,
    "socket_keepalive": True,
    "health_check_interval": 15,
}
_UNKNOWN_OPTION = re.compile(r"unexpected keyword argument '(\w+)'")
_POOL_DEFAULTS: dict[str, Any] = {"max_connections": 10, "timeout": 2}


def _retry() -> Any:
    from redis.asyncio.retry import Retry
    from redis.backoff import FullJitterBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError

    return Retry(FullJitterBackoff(cap=0.2, base=0.02), 1, supported_errors=(RedisConnectionError,))


def of_redis() -> dict[str, Any]:
    """Return the options of a connection: the defaults, overridden by the settings."""
    options = {
        "retry": _retry(),
        "db": config.settings.redis.db,
        **DEFAULTS,
        **config.settings.redis.options,
    }
    if (config.settings.redis.url or "").startswith("unix:") and not config.settings.redis.sentinels:
        del options["socket_keepalive"]  # only for TCP: redis-py rejects it
    return {key: value for key, value in options.items() if key not in _POOL_DEFAULTS}


def of_pool() -> dict[str, Any]:
    """Return the options of a connection pool."""
    given = config.settings.redis.options
    return {key: given.get(key, default) for key, default in _POOL_DEFAULTS.items()}


@contextlib.contextmanager
def checked(name: str, options: dict[str, Any]) -> Iterator[None]:
    """Convert errors about the options of a setting to a `ValueError` that does not contain their values."""
    try:
        yield
    except (TypeError, ValueError, AttributeError) as error:
        if not options:
            raise
        unknown = _UNKNOWN_OPTION.search(str(error))
        if unknown is not None:
            problem = f"{unknown[1]} is not an option; accepted are the keywords of redis.asyncio.Redis"
        else:
            names = ", ".join(sorted(options))
            problem = f"redis.asyncio.Redis does not accept the value of one of {names}"
        raise ValueError(f"C2C__REDIS__{name}: {problem}") from None


def for_sentinels(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of Redis that also apply to a sentinel."""
    common = {*DEFAULTS, "username", "password"}
    return {name: value for name, value in options.items() if name in common or name.startswith("ssl")}
