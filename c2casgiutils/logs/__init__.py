"""Log lines as JSON or for people, with the request's id and without secrets.

Everything here is usable from a `logging.yaml`, also one given to `uvicorn --log-config`, which expands
nothing: the levels are attributes (`ext://c2casgiutils.logs.LOG_LEVEL`) that read the environment when they
are asked for. The configuration at `CONFIG_FILE` is ready for use.
"""

from pathlib import Path
from typing import Any

from c2casgiutils._secrets import scrub as redact
from c2casgiutils.logs._background import flush
from c2casgiutils.logs._console import ConsoleFormatter
from c2casgiutils.logs._description import print_configuration
from c2casgiutils.logs._filters import ProbeFilter
from c2casgiutils.logs._json import JsonFormatter, as_extra
from c2casgiutils.logs._lowered import effective_level, is_within, lower, own_level, set_level
from c2casgiutils.logs._queued import QueuedHandler, queued
from c2casgiutils.logs._redaction import RedactionFilter, plain_text, protect_handlers
from c2casgiutils.logs._restore import remember_loggers
from c2casgiutils.logs._setup import (
    check,
    complete,
    complete_named,
    create_formatter,
    create_probe_filter,
    levels,
    package_of,
    read_environment,
)
from c2casgiutils.logs._sql import SqlHandler
from c2casgiutils.logs._syslog import CeeSysLogHandler
from c2casgiutils.logs._written import WRITES_NOTHING, write_to_standard_error, written_from

__all__ = [
    "C2C_LOG_LEVEL",
    "CONFIG_FILE",
    "JSON_CONFIG_FILE",
    "LOGGERS",
    "LOG_LEVEL",
    "OTHER_LOG_LEVEL",
    "SERVER_LOG_LEVEL",
    "SQL_LOG_LEVEL",
    "WRITES_NOTHING",
    "CeeSysLogHandler",
    "ConsoleFormatter",
    "JsonFormatter",
    "ProbeFilter",
    "QueuedHandler",
    "RedactionFilter",
    "SqlHandler",
    "as_extra",
    "check",
    "complete",
    "complete_named",
    "create_formatter",
    "create_probe_filter",
    "effective_level",
    "flush",
    "is_within",
    "lower",
    "own_level",
    "package_of",
    "plain_text",
    "print_configuration",
    "protect_handlers",
    "queued",
    "redact",
    "remember_loggers",
    "set_level",
    "write_to_standard_error",
    "written_from",
]

CONFIG_FILE = Path(__file__).parent.parent / "logging.yaml"
"""The packaged logging configuration, for `uvicorn --log-config` and `cli.init`."""

JSON_CONFIG_FILE = CONFIG_FILE.with_suffix(".json")
"""The same in JSON, for gunicorn (`--log-config-json`), hypercorn (`--log-config json:…`) and granian."""

LOG_LEVEL: str
C2C_LOG_LEVEL: str
SERVER_LOG_LEVEL: str
SQL_LOG_LEVEL: str
OTHER_LOG_LEVEL: str
LOGGERS: dict[str, dict[str, str]]
"""The loggers of the packaged configuration, the application's included."""


def __getattr__(name: str) -> Any:
    if name == "LOGGERS":
        return {logger: {"level": level} for logger, level in levels(read_environment()).items()}
    if name in {"LOG_LEVEL", "SQL_LOG_LEVEL", "OTHER_LOG_LEVEL", "C2C_LOG_LEVEL", "SERVER_LOG_LEVEL"}:
        environment = read_environment()
        return getattr(environment, name.lower()) or environment.log_level
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
