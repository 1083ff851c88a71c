"""The filter of the access log, to be put on handlers."""

import logging
from collections.abc import Iterable

from c2casgiutils.logs._access import access_of

_FIRST_FAILURE = 400
_MAX_FAILING = 1000


class ProbeFilter(logging.Filter):
    """Drops the access log of successful probes, but keeps failures and the first success after a failure.

    Args:
        paths: whole paths of the probes; a last slash and the query do not matter.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        super().__init__()
        self._paths = frozenset(path.rstrip("/") for path in paths)
        self._failing: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record stays."""
        access = access_of(record)
        if access is None or access.method not in {"GET", "HEAD"}:
            return True
        if access.path.rstrip("/") not in self._paths:
            return True
        return self._is_news(access.target, failed=access.status >= _FIRST_FAILURE)

    def _is_news(self, target: str, *, failed: bool) -> bool:
        if not failed:
            was_failing = target in self._failing
            self._failing.discard(target)
            return was_failing
        if len(self._failing) >= _MAX_FAILING:  # made-up queries
            self._failing.clear()
        self._failing.add(target)
        return True
