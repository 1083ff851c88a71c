"""The settings of the library, read from the environment.

`settings` is read from the environment on first access; everything reads it when needed, so that a change of
`config.settings` is seen by the next use.
"""

from typing import Any

from c2casgiutils.config._errors import ConfigurationError, end_start
from c2casgiutils.config._settings import Settings
from c2casgiutils.config._types import (
    MASK,
    Duration,
    FloatList,
    IntList,
    MaskedStr,
    StringList,
    parse_duration,
)
from c2casgiutils.config.auth import GitHubAccessType
from c2casgiutils.config.logs import Logging

__all__ = [
    "MASK",
    "ConfigurationError",
    "Duration",
    "FloatList",
    "GitHubAccessType",
    "IntList",
    "Logging",
    "MaskedStr",
    "Settings",
    "StringList",
    "end_start",
    "parse_duration",
    "settings",
]

settings: Settings


def __getattr__(name: str) -> Any:
    if name != "settings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    read = Settings()
    read.check()
    return globals().setdefault(name, read)
