"""The request that is being answered, in a context variable that everybody may import."""

import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from c2casgiutils.request_tracking._traceparent import TraceParent


@dataclass(slots=True)
class RequestContext:
    """What is known of a request, wherever its work is done.

    Attributes:
        request_id: Its id, up to 128 printable ASCII characters.
        traceparent: The valid `traceparent` that came with it, if any.
        scope: The ASGI scope, `None` in other processes and in broadcast handlers. Routing completes it
            (`route`, `root_path`), so read it when a value is needed.
        database_seconds: Run time of the statements of databases until now.
        statement_counts: While the SQL profiler is on, how often which statement was executed.
        began: When it arrived, by `time.monotonic`.
    """

    request_id: str
    traceparent: TraceParent | None = None
    scope: MutableMapping[str, Any] | None = None
    database_seconds: float = 0.0
    statement_counts: dict[str, int] | None = None
    began: float = field(default_factory=time.monotonic, compare=False)

    @property
    def seconds(self) -> float:
        """The time since it arrived."""
        return time.monotonic() - self.began


CURRENT: ContextVar[RequestContext | None] = ContextVar("c2casgiutils_request", default=None)
"""Set by whoever receives a request, reset with its token when the answer is done."""


def current_request_id() -> str | None:
    """Return the id of the current request, `None` outside a request."""
    context = CURRENT.get()
    return None if context is None else context.request_id


def current_scope() -> MutableMapping[str, Any] | None:
    """Return the ASGI scope of the current request, `None` outside a request or in a broadcast handler."""
    context = CURRENT.get()
    return None if context is None else context.scope
