"""The settings of the library, read from the environment.

`settings` is read from the environment on first access. It is looked up at each use, so that a change of
`config.settings` takes effect at once.
"""

from typing import Any

from c2casgiutils.config._dangers import dangers, redis_dangers
from c2casgiutils.config._description import Described, Source, describe_settings
from c2casgiutils.config._errors import ConfigurationError, end_start
from c2casgiutils.config._settings import Settings
from c2casgiutils.config._types import (
    Duration,
    FloatList,
    IntList,
    MaskedStr,
    StringList,
    parse_comma_separated_float_list,
    parse_comma_separated_int_list,
    parse_comma_separated_list,
    parse_duration,
    secrets_of,
)
from c2casgiutils.config.auth import Auth, GitHubAccessType
from c2casgiutils.config.db import Database
from c2casgiutils.config.debug import Debug
from c2casgiutils.config.health import Health
from c2casgiutils.config.instances import Instances
from c2casgiutils.config.logs import Logging, LoggingDebug
from c2casgiutils.config.prometheus import Prometheus
from c2casgiutils.config.proxy_headers import ProxyHeaders
from c2casgiutils.config.redis import Redis
from c2casgiutils.config.request_tracking import RequestTracking
from c2casgiutils.config.sentry import Sentry
from c2casgiutils.config.stats_db import StatsDb
from c2casgiutils.config.tools import Tools

__all__ = [
    "Auth",
    "ConfigurationError",
    "Database",
    "Debug",
    "Described",
    "Duration",
    "FloatList",
    "GitHubAccessType",
    "Health",
    "Instances",
    "IntList",
    "Logging",
    "LoggingDebug",
    "MaskedStr",
    "Prometheus",
    "ProxyHeaders",
    "Redis",
    "RequestTracking",
    "Sentry",
    "Settings",
    "Source",
    "StatsDb",
    "StringList",
    "Tools",
    "dangers",
    "describe_settings",
    "end_start",
    "parse_comma_separated_float_list",
    "parse_comma_separated_int_list",
    "parse_comma_separated_list",
    "parse_duration",
    "redis_dangers",
    "secrets_of",
    "settings",
]

settings: Settings


def __getattr__(name: str) -> Any:
    if name != "settings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    read = Settings()
    read.check()
    return globals().setdefault(name, read)
