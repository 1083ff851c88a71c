"""The trace that the running code belongs to: that of OpenTelemetry, else that of the request."""

import sys
from typing import Any

from c2casgiutils.request_tracking._context import CURRENT
from c2casgiutils.request_tracking._traceparent import TraceParent, parse_traceparent

_API = "opentelemetry.trace"
_TRACESTATE = b"tracestate"
_MAX_TRACESTATE_LENGTH = 512


def current_trace_id() -> str | None:
    """Return the id of the trace, 32 hexadecimal digits.

    It is that of the current span where the application has set up OpenTelemetry, else that of the
    `traceparent` of the current request; `None` if there is neither.
    """
    traceparent = current_traceparent()
    return None if traceparent is None else traceparent.trace_id


def current_span_id() -> str | None:
    """Return the id of the span, 16 hexadecimal digits: without OpenTelemetry that of the caller."""
    traceparent = current_traceparent()
    return None if traceparent is None else traceparent.span_id


def current_traceparent() -> TraceParent | None:
    """Return the `traceparent` to send with a request to another service."""
    span = _opentelemetry_span()
    if span is not None:
        return parse_traceparent(f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}")
    request = CURRENT.get()
    return None if request is None else request.traceparent


def current_tracestate() -> str:
    """Return the `tracestate` that belongs to `current_traceparent`, empty if there is none."""
    span = _opentelemetry_span()
    if span is not None:
        return str(span.trace_state.to_header())
    request = CURRENT.get()
    if request is None or request.traceparent is None or request.scope is None:
        return ""
    values = [value.decode("latin-1") for name, value in request.scope["headers"] if name == _TRACESTATE]
    text = ",".join(values).strip()
    is_valid = text.isascii() and text.isprintable() and len(text) <= _MAX_TRACESTATE_LENGTH
    return text if is_valid else ""


def _opentelemetry_span() -> Any:
    """Return the context of the current span of OpenTelemetry, `None` if there is none.

    Other libraries import the API: without a provider of the application there is no valid span.
    """
    get_current_span = getattr(sys.modules.get(_API), "get_current_span", None)
    if get_current_span is None:
        return None
    context = get_current_span().get_span_context()
    return context if context.is_valid else None
