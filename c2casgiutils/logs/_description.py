"""The logging of this process as a dictionary, for `DEBUG_LOGCONFIG`."""

import json
import logging
import sys
from typing import Any

from c2casgiutils import config
from c2casgiutils._secrets import scrub_mapping
from c2casgiutils.logs._background import BackgroundHandler
from c2casgiutils.logs._lowered import own_level
from c2casgiutils.logs._queued import QueuedHandler


def print_configuration() -> None:
    """Write the resulting configuration to standard error, as JSON, if `DEBUG_LOGCONFIG` asks for it.

    Raises:
        SystemExit: The variable is not a boolean, which standard error tells.
    """
    if config.LoggingDebug().debug_logconfig:
        sys.stderr.write(f"{json.dumps(describe(), indent=2)}\n")
        sys.stderr.flush()


def describe() -> dict[str, Any]:
    """Return handlers and levels as they are now, in the form of `logging.config.dictConfig`.

    Loggers without a level and a handler of their own are left out. The arguments of handlers, which may hold
    secrets, are not part of it.
    """
    description = _Description()
    loggers = {
        name: description.logger(logger)
        for name, logger in sorted(logging.root.manager.loggerDict.items())
        if isinstance(logger, logging.Logger)
        and (own_level(logger) or logger.handlers or logger.disabled or not logger.propagate)
    }
    root = description.logger(logging.root)
    described = {"version": 1, "handlers": description.handlers, "loggers": loggers, "root": root}
    result: dict[str, Any] = scrub_mapping(described)
    return result


class _Description:
    def __init__(self) -> None:
        self.handlers: dict[str, dict[str, Any]] = {}
        self._names: dict[logging.Handler, str] = {}

    def logger(self, logger: logging.Logger) -> dict[str, Any]:
        description: dict[str, Any] = {
            "level": logging.getLevelName(own_level(logger)),
            "handlers": [self._name(handler) for handler in logger.handlers],
        }
        if logger.filters:
            description["filters"] = [_class_of(item) for item in logger.filters]
        if logger is not logging.root:
            description["propagate"] = logger.propagate
        return {**description, "disabled": True} if logger.disabled else description

    def _name(self, handler: logging.Handler) -> str:
        if handler not in self._names:
            name = handler.get_name() or f"{type(handler).__name__}-{len(self._names) + 1}"
            self._names[handler] = name
            self.handlers[name] = self._handler(handler)
        return self._names[handler]

    def _handler(self, handler: logging.Handler) -> dict[str, Any]:
        description = {
            "class": _class_of(handler),
            "level": logging.getLevelName(handler.level),
            "formatter": None if handler.formatter is None else _class_of(handler.formatter),
            "filters": [_class_of(item) for item in handler.filters],
        }
        if isinstance(handler, logging.StreamHandler):
            description["stream"] = str(getattr(handler.stream, "name", _class_of(handler.stream)))
        if isinstance(handler, BackgroundHandler):
            description["sink"] = handler.sink
        if isinstance(handler, QueuedHandler):
            description["handler"] = self._name(handler.handler)
        return description


def _class_of(item: object) -> str:
    kind = item if callable(item) and hasattr(item, "__qualname__") else type(item)
    return f"{kind.__module__}.{kind.__qualname__}"
