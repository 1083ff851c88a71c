"""One id for each request, in its answer, its log lines and whatever it causes elsewhere."""

from c2casgiutils.request_tracking._clients import async_client, client, configure, instrument
from c2casgiutils.request_tracking._context import (
    CURRENT,
    RequestContext,
    current_request_id,
    current_scope,
)
from c2casgiutils.request_tracking._middleware import RequestTrackingMiddleware
from c2casgiutils.request_tracking._propagation import (
    create_detached_task,
    headers,
    note_request,
    request_of,
    restore,
)
from c2casgiutils.request_tracking._trace import current_span_id, current_trace_id, current_traceparent
from c2casgiutils.request_tracking._traceparent import TraceParent, parse_traceparent

__all__ = [
    "CURRENT",
    "RequestContext",
    "RequestTrackingMiddleware",
    "TraceParent",
    "async_client",
    "client",
    "configure",
    "create_detached_task",
    "current_request_id",
    "current_scope",
    "current_span_id",
    "current_trace_id",
    "current_traceparent",
    "headers",
    "instrument",
    "note_request",
    "parse_traceparent",
    "request_of",
    "restore",
]
