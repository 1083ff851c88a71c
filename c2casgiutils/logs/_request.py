"""What a record says about the request in which it was created."""

import logging
from typing import Any

from c2casgiutils.request_tracking import current_request_id

NOTED = "_c2casgiutils_log_request"
"""Attribute of a record with its fields of the request."""


def request_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of the request of a record, none outside a request."""
    noted: dict[str, Any] | None = getattr(record, NOTED, None)
    fields = _current_fields() if noted is None else noted
    request_id = getattr(record, "request_id", None)  # noted by a filter, in the task of the request
    return fields if request_id is None else {**fields, "request_id": str(request_id)}


def note_request(record: logging.LogRecord) -> None:
    """Note the fields of the current request on a record that another thread will format."""
    setattr(record, NOTED, request_fields(record))


def _current_fields() -> dict[str, Any]:
    request_id = current_request_id()
    return {} if request_id is None else {"request_id": request_id}
