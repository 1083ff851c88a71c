"""Which engine serves a request."""

import enum
from collections.abc import Iterable
from typing import Any

from c2casgiutils.config.db import compile_rules
from c2casgiutils.db._errors import DatabaseConfigurationError
from c2casgiutils.db._maintenance import maintenance

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Mode(enum.StrEnum):
    """What a session may do."""

    READ_WRITE = "read_write"
    READ_ONLY = "read_only"


class Rules:
    """The choice between the engines, by method and path.

    Args:
        force_read_write: Regular expressions, matched from the start of `GET /full/path`.
        force_read_only: The same.

    Raises:
        DatabaseConfigurationError: One is not a regular expression.
    """

    def __init__(self, force_read_write: Iterable[str], force_read_only: Iterable[str]) -> None:
        try:
            self._force_read_write = compile_rules(force_read_write)
            self._force_read_only = compile_rules(force_read_only)
        except ValueError as error:
            raise DatabaseConfigurationError(f"force_read_write and force_read_only: {error}") from None

    def mode_of(self, scope: Any) -> Mode:
        """Return the mode for a request, by the first match.

        Args:
            scope: The ASGI scope; the method of a websocket counts as `WEBSOCKET`.
        """
        if maintenance() is not None:
            return Mode.READ_ONLY
        method = scope.get("method", "WEBSOCKET")
        request = f"{method} {scope['path']}"
        if any(rule.match(request) for rule in self._force_read_write):
            return Mode.READ_WRITE
        if method in _READING or any(rule.match(request) for rule in self._force_read_only):
            return Mode.READ_ONLY
        return Mode.READ_WRITE
