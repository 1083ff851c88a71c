"""Log lines as JSON or for people, with the request's id and without secrets.

Everything here is usable from a `logging.yaml`, also one given to `uvicorn --log-config`, which expands
nothing: the levels are attributes (`ext://c2casgiutils.logs.LOG_LEVEL`) that read the environment when they
are asked for. The configuration at `CONFIG_FILE` is ready for use.
"""

import logging
from pathlib import Path
from typing import Any

from c2casgiutils import config
from c2casgiutils.logs._filters import ProbeFilter, RedactionFilter
from c2casgiutils.logs._formatters import ConsoleFormatter, JsonFormatter
from c2casgiutils.logs._redaction import redact

__all__ = [
    "CONFIG_FILE",
    "LOGGERS",
    "LOG_LEVEL",
    "OTHER_LOG_LEVEL",
    "SQL_LOG_LEVEL",
    "ConsoleFormatter",
    "JsonFormatter",
    "ProbeFilter",
    "RedactionFilter",
    "create_formatter",
    "create_probe_filter",
    "redact",
]

CONFIG_FILE = Path(__file__).parent.parent / "logging.yaml"
"""The packaged logging configuration, for `uvicorn --log-config` and `cli.init`."""

LOG_LEVEL: str
SQL_LOG_LEVEL: str
OTHER_LOG_LEVEL: str
LOGGERS: dict[str, dict[str, str]]
"""The loggers of the packaged configuration, the application's included."""


def __getattr__(name: str) -> Any:
    if name == "LOGGERS":
        return _loggers(_environment())
    if name in {"LOG_LEVEL", "SQL_LOG_LEVEL", "OTHER_LOG_LEVEL"}:
        return getattr(_environment(), name.lower())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _environment() -> config.Logging:
    try:
        return config.Logging()
    except config.ConfigurationError as error:
        # dictConfig turns a ValueError into another one with a traceback; nobody catches this one
        raise SystemExit(error.code) from None


def _loggers(environment: config.Logging) -> dict[str, dict[str, str]]:
    return {
        "c2casgiutils": {"level": environment.log_level},
        "uvicorn": {"level": environment.log_level},
        "sqlalchemy.engine": {"level": environment.sql_log_level},
        environment.application_module: {"level": environment.log_level},
    }


def create_formatter() -> ConsoleFormatter | JsonFormatter:
    """The formatter that `LOG_TYPE` asks for (`console` or `json`).

    With `json`, what the `warnings` module shows becomes records of the logger `py.warnings`, so that each
    line is JSON.
    """
    if _environment().log_type == "json":
        logging.captureWarnings(capture=True)
        return JsonFormatter()
    return ConsoleFormatter()


def create_probe_filter() -> ProbeFilter:
    """A filter for the probes where `C2C__ROUTE_PREFIX` puts them, mounted at `c2c` and at the root."""
    prefix = _environment().route_prefix.strip("/")
    root = f"/{prefix}" if prefix else ""
    probes = ("livez", "readyz", "startupz")
    health = ("health", "health_check", "health_checks", *probes)
    return ProbeFilter([*(f"/{name}" for name in probes), *(f"{root}/c2c/{name}" for name in health)])
