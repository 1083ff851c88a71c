"""The request that is being answered, in a context variable that everybody may import."""

from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from c2casgiutils.request_tracking._traceparent import TraceParent

_NOTED = "_c2casgiutils_request"


@dataclass(slots=True)
class RequestContext:
    """What is known of a request, wherever its work is done.

    Attributes:
        request_id: Its id, up to 128 printable ASCII characters.
        traceparent: The valid `traceparent` that came with it, if any.
        scope: The ASGI scope, `None` in other processes and in broadcast handlers. Routing completes it
            (`route`, `root_path`), so read it when a value is needed.
    """

    request_id: str
    traceparent: TraceParent | None = None
    scope: MutableMapping[str, Any] | None = None


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


def note_request(error: BaseException, context: RequestContext) -> None:
    """Note on an exception which request it ended: servers log it once the request is no longer current."""
    vars(error)[_NOTED] = context


def request_of(error: BaseException | None) -> RequestContext | None:
    """Return the current request, else the one that ended with this exception."""
    return CURRENT.get() or (None if error is None else vars(error).get(_NOTED))
