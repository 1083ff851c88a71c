"""Logging without a configuration file, and values for configuration files."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from c2casgiutils import config
from c2casgiutils.logs._console import ConsoleFormatter
from c2casgiutils.logs._filters import ProbeFilter
from c2casgiutils.logs._json import JsonFormatter
from c2casgiutils.logs._redaction import RedactionFilter

_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian", "_granian")
_PROBES = ("livez", "readyz", "startupz")
_HEALTH = ("health", "health_check", "health_checks", *_PROBES)


def read_environment() -> config.Logging:
    """Read the variables.

    Raises:
        SystemExit: One has a wrong value, which standard error tells.
    """
    try:
        return config.Logging()
    except config.ConfigurationError as error:
        # dictConfig turns a ValueError into another one with a traceback; nobody catches this one
        raise SystemExit(error.code) from None


def levels(environment: config.Logging) -> dict[str, str]:
    """Return the levels of the loggers that have one in the packaged configuration, by name."""
    server_level = environment.server_log_level or environment.log_level
    return {
        environment.application_module: environment.log_level,
        "c2casgiutils": environment.c2c_log_level or environment.log_level,
        "sqlalchemy.engine": environment.sql_log_level,
        **dict.fromkeys(_SERVERS, server_level),
    }


def create_formatter() -> ConsoleFormatter | JsonFormatter:
    """Create the formatter that `LOG_TYPE` asks for (`console` or `json`).

    What the `warnings` module shows becomes records of the logger `py.warnings`. Levels are colored when
    standard output is a terminal, unless `NO_COLOR` is set.
    """
    environment = read_environment()
    logging.captureWarnings(capture=True)
    if environment.log_type == "json":
        return JsonFormatter()
    return ConsoleFormatter(colors=sys.stdout.isatty() and not environment.no_color)


def create_probe_filter() -> ProbeFilter:
    """Create a filter for the probes where `C2C__ROUTE_PREFIX` puts them: below `c2c` and at the root."""
    prefix = read_environment().route_prefix.strip("/")
    root = f"/{prefix}" if prefix else ""
    return ProbeFilter([*(f"/{name}" for name in _PROBES), *(f"{root}/c2c/{name}" for name in _HEALTH)])


def package_of(names: Mapping[str, Any]) -> str:
    """Return the top-level package, or the module, of code by its globals: its loggers are named after it."""
    name: str = names.get("__package__") or names.get("__name__", "")
    return name.partition(".")[0]


def complete(application: str) -> None:
    """Configure what is not configured yet: a handler, and the level of the application's logger.

    Handlers and levels that the server, the application or a file configured stay as they are, but for the
    level of the server if `SERVER_LOG_LEVEL` is set. Records of the
    application that no handler takes go to standard output, in the form and with the levels of the packaged
    configuration. Where handlers with the formatters of this package take them, only the loggers without a
    level get the one of that configuration.

    Args:
        application: Name of the application's uppermost logger, unless
            `C2C__TOOLS__LOGGING__APPLICATION_MODULE` names it.

    Raises:
        SystemExit: A variable has a wrong value, which standard error tells.
    """
    is_written = logging.getLogger(application).hasHandlers()
    if is_written and not _has_our_formatter(logging.root):
        return
    environment = read_environment()
    if "application_module" not in environment.model_fields_set:
        environment = environment.model_copy(update={"application_module": application})
    if not is_written:
        logging.root.addHandler(_create_handler())
        if logging.root.level == logging.WARNING:  # as Python starts
            logging.root.setLevel(environment.other_log_level)
    _complete_levels(environment)


def complete_named() -> None:
    """Complete the levels if `C2C__TOOLS__LOGGING__APPLICATION_MODULE` names the application.

    A configuration file in JSON cannot do it, and without `install` nobody calls `complete`.

    Raises:
        SystemExit: A variable has a wrong value, which standard error tells.
    """
    is_named = "application_module" in config.settings.tools.logging.model_fields_set
    if is_named and _has_our_formatter(logging.root):
        _complete_levels(read_environment())


def _complete_levels(environment: config.Logging) -> None:
    for name, level in levels(environment).items():
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(level)
    if environment.server_log_level is None:
        return
    for name in _SERVERS:  # which set a level of their own
        for part in (name, f"{name}.error", f"{name}.access"):
            if part in logging.root.manager.loggerDict:
                logging.getLogger(part).setLevel(environment.server_log_level)


def check(application: str) -> None:
    """Check the variables that `complete` will read, if nothing has configured the logging so far.

    Raises:
        SystemExit: A variable has a wrong value, which standard error tells.
    """
    if application and not logging.getLogger(application).hasHandlers():
        read_environment()


def _has_our_formatter(logger: logging.Logger) -> bool:
    formatters = (handler.formatter for handler in logger.handlers)
    return any(isinstance(formatter, ConsoleFormatter | JsonFormatter) for formatter in formatters)


def _create_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(create_formatter())
    handler.addFilter(create_probe_filter())
    handler.addFilter(RedactionFilter())
    return handler
