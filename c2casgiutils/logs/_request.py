"""What a record says about the request in which it was created."""

import logging
from collections.abc import Mapping
from typing import Any

from c2casgiutils._asgi import matched_route
from c2casgiutils.request_tracking import current_traceparent, request_of

NOTED = "_c2casgiutils_log_request"
"""Attribute of a record with its fields of the request."""


def request_fields(record: logging.LogRecord) -> dict[str, str]:
    """Return the fields of the request of a record: the current one, or the one that its exception ended.

    `request_id`, `trace_id`, `span_id`, `client_addr`, `method`, `path`, `matched_route`, without those that
    are not known; none outside a request.
    """
    noted: dict[str, str] | None = vars(record).get(NOTED)
    return _find_fields(record) if noted is None else noted


def note_request(record: logging.LogRecord) -> None:
    """Note the fields of the request on a record that another thread will format."""
    setattr(record, NOTED, request_fields(record))


def _find_fields(record: logging.LogRecord) -> dict[str, str]:
    request = request_of(record.exc_info[1] if record.exc_info else None)
    fields = {} if request is None else {"request_id": request.request_id}
    trace = current_traceparent() or (None if request is None else request.traceparent)
    if trace is not None:
        fields |= {"trace_id": trace.trace_id, "span_id": trace.span_id}
    if request is not None and request.scope is not None:
        fields |= _scope_fields(request.scope)
    return fields


def _scope_fields(scope: Mapping[str, Any]) -> dict[str, str]:
    client = scope.get("client")
    fields = {
        "client_addr": client[0] if client else None,
        "method": scope.get("method"),
        "path": scope.get("path"),
        "matched_route": matched_route(scope),
    }
    return {name: str(value) for name, value in fields.items() if value is not None}
