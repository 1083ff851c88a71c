"""The id of the request that is being answered, readable from everywhere."""

from c2casgiutils.request_tracking._context import (
    CURRENT,
    RequestContext,
    current_request_id,
    current_scope,
    note_request,
    request_of,
)
from c2casgiutils.request_tracking._traceparent import TraceParent, parse_traceparent

__all__ = [
    "CURRENT",
    "RequestContext",
    "TraceParent",
    "current_request_id",
    "current_scope",
    "note_request",
    "parse_traceparent",
    "request_of",
]
