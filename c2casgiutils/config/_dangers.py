"""Warnings at start-up about settings that are accepted but dangerous."""

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from c2casgiutils.config.auth import GitHub, GitHubAccessType
from c2casgiutils.config.redis import DEFAULT_BROADCAST_PREFIX, Redis

if TYPE_CHECKING:
    from c2casgiutils.config._settings import Settings

_ALL_ADDRESSES = ("", "0.0.0.0", "::")
_LONG_PERMISSION = datetime.timedelta(days=1)


def dangers(settings: "Settings") -> Iterator[str]:
    """Yield a warning for each dangerous setting, except those of Redis and of the sign-in.

    Args:
        settings: All settings.
    """
    if "*" in settings.proxy_headers.trusted_hosts:
        yield (
            "C2C__PROXY_HEADERS__TRUSTED_HOSTS is *: every client that reaches this port can forge its "
            "address, scheme and host; list the addresses or networks of the proxies"
        )
    yield from _public_levels(settings.auth.github)
    if settings.auth.github.permission_ttl > _LONG_PERMISSION:
        yield (
            "C2C__AUTH__GITHUB__PERMISSION_TTL is longer than a day: users who lose access on GitHub keep "
            "it here for that time"
        )
    if settings.health.details == "always":
        yield (
            "C2C__HEALTH__DETAILS is always: everybody can read the payloads of the health checks, "
            "including error messages"
        )
    if settings.prometheus.port and settings.prometheus.address in _ALL_ADDRESSES:
        yield (
            "C2C__PROMETHEUS__ADDRESS listens on all addresses of this machine without "
            "authentication: restrict access to the metrics in the network"
        )


def _public_levels(github: GitHub) -> Iterator[str]:
    if not github.allow_public_pull:
        return
    levels = {
        "C2C__AUTH__GITHUB__ACCESS_TYPE_READ_WRITE": (github.access_type_read_write, "may change everything"),
        "C2C__AUTH__GITHUB__ACCESS_TYPE_ADMIN": (github.access_type_admin, "is an administrator"),
    }
    for name, (level, may) in levels.items():
        if level is GitHubAccessType.PULL:
            yield (
                f"{name} is pull and C2C__AUTH__GITHUB__ALLOW_PUBLIC_PULL is set: on a public repository "
                f"everybody with an account on GitHub {may}"
            )


def redis_dangers(redis: Redis) -> Iterator[str]:
    """Yield a warning for each dangerous setting of a Redis that is used.

    Args:
        redis: The settings of Redis.
    """
    if redis.broadcast_prefix == DEFAULT_BROADCAST_PREFIX:
        yield (
            f"C2C__REDIS__BROADCAST_PREFIX has its default value {DEFAULT_BROADCAST_PREFIX!r}: services that "
            "share a Redis and this prefix receive each other's messages, even with different database "
            "numbers; set it to a name of this service"
        )
    if not redis.broadcast_secret:
        yield (
            "C2C__REDIS__BROADCAST_SECRET is not set: anybody who can publish to this Redis can change log "
            "levels, drain processes and call the handlers of the application; set the same long secret "
            "in all processes"
        )
