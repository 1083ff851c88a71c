"""Filters, to be put on handlers: a filter of a logger does not see the records of its children."""

import logging
from collections.abc import Iterable
from typing import Any

from c2casgiutils.logs._redaction import redact

_ACCESS_LOGGER = "uvicorn.access"
_FIRST_FAILURE = 400
_MOST_FAILING = 1000


def access_fields(record: logging.LogRecord) -> tuple[str, str, str, int] | None:
    """Client, method, path with query and status of a line of uvicorn's access log, else `None`."""
    if record.name != _ACCESS_LOGGER:
        return None
    match record.args:
        case (str(client), str(method), str(path), _, int(status)):
            return client, method, path, status
    return None


class RedactionFilter(logging.Filter):
    """Takes secrets out of logged addresses (see `redact`), before any handler after this one sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place; keep it."""
        record.args = _redact_arguments(record.args)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # a wrong format is reported by the handler
            return True
        redacted = redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


def _redact_arguments(arguments: Any) -> Any:
    """Only texts: uvicorn's own formatters need the arguments as they are otherwise."""
    if isinstance(arguments, tuple):
        return tuple(redact(value) if isinstance(value, str) else value for value in arguments)
    return arguments


class ProbeFilter(logging.Filter):
    """Drops the access log of successful probes; failures, and the first success after one, stay.

    Args:
        paths: whole paths of the probes; a last slash and the query do not matter.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__()
        self._paths = frozenset(path.rstrip("/") for path in paths)
        self._failing: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record stays."""
        access = access_fields(record)
        if access is None or access[1] not in {"GET", "HEAD"}:
            return True
        _, _, target, status = access
        if target.partition("?")[0].rstrip("/") not in self._paths:
            return True
        return self._is_news(target, failed=status >= _FIRST_FAILURE)

    def _is_news(self, target: str, *, failed: bool) -> bool:
        if not failed:
            was_failing = target in self._failing
            self._failing.discard(target)
            return was_failing
        if len(self._failing) >= _MOST_FAILING:  # made-up queries
            self._failing.clear()
        self._failing.add(target)
        return True
