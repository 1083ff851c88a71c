"""One id for each request, in its answer, its log lines and whatever it causes elsewhere."""

from c2casgiutils.request_tracking._context import (
    CURRENT,
    RequestContext,
    current_request_id,
    current_scope,
    note_request,
    request_of,
)
from c2casgiutils.request_tracking._incoming import parse_id
from c2casgiutils.request_tracking._middleware import RequestTrackingMiddleware
from c2casgiutils.request_tracking._traceparent import TraceParent, parse_traceparent

__all__ = [
    "CURRENT",
    "RequestContext",
    "RequestTrackingMiddleware",
    "TraceParent",
    "current_request_id",
    "current_scope",
    "note_request",
    "parse_id",
    "parse_traceparent",
    "request_of",
]
