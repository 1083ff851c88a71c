"""The current request, taken along to other services, other processes and exceptions."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

from c2casgiutils.request_tracking._context import CURRENT, RequestContext, current_request_id
from c2casgiutils.request_tracking._incoming import parse_id
from c2casgiutils.request_tracking._trace import current_traceparent, current_tracestate
from c2casgiutils.request_tracking._traceparent import parse_traceparent

_T = TypeVar("_T")
_NOTED = "_c2casgiutils_request"


def headers() -> dict[str, str]:
    """Return what to add to a request to another service, for any client.

    `X-Request-ID` in a request, and `traceparent` with its `tracestate` in a trace; empty outside of both.
    """
    traceparent = current_traceparent()
    found = {
        "X-Request-ID": current_request_id(),
        "traceparent": traceparent,
        "tracestate": current_tracestate() if traceparent is not None else None,
    }
    return {name: str(value) for name, value in found.items() if value}


def restore(request_id: str | None, traceparent: str | None) -> RequestContext | None:
    """Return the request that another process was answering; values that are not valid count as absent."""
    trace = None if traceparent is None else parse_traceparent(traceparent)
    id_ = None if request_id is None else parse_id(request_id.encode("utf-8", "surrogatepass"))
    id_ = id_ or (trace and trace.trace_id)
    return None if id_ is None else RequestContext(id_, trace)


def create_detached_task(coroutine: Coroutine[Any, Any, _T], *, name: str | None = None) -> asyncio.Task[_T]:
    """Start a task that outlives the request that may have caused it, and does not belong to it."""
    context = contextvars.copy_context()
    context.run(CURRENT.set, None)
    return asyncio.create_task(coroutine, name=name, context=context)


def note_request(error: BaseException) -> None:
    """Note on an exception which request it ends: servers log it once the request is no longer current."""
    request = CURRENT.get()
    if request is not None:
        vars(error)[_NOTED] = RequestContext(request.request_id, current_traceparent(), request.scope)


def request_of(error: BaseException | None) -> RequestContext | None:
    """Return the current request, else the last one that ended with this exception."""
    return CURRENT.get() or (None if error is None else vars(error).get(_NOTED))
