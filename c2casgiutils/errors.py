"""The answers to errors of the application's routes, in one form."""

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from c2casgiutils import db, request_tracking

__all__ = ["install"]

_LOGGER = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Answer errors of databases with what they mean, as `{"message", "status", "request_id"}`.

    Constraints and wrong values are 400, conflicts of transactions and an unavailable database 503 with
    `Retry-After`, cancelled statements 504. The message has neither statement nor values. Other errors of a
    database are faults of the application, and stay what they are.

    Args:
        app: The application, before it serves.
    """
    error_class = db.error_class()
    if error_class is not None:
        app.add_exception_handler(error_class, _answer_database_error)


async def _answer_database_error(request: Request, error: Exception) -> JSONResponse:
    failure = db.failure_of(error) if request.scope["type"] == "http" else None
    if failure is None:
        raise error
    _LOGGER.warning("%s %s: %s", request.method, request.url.path, failure.status, exc_info=error)
    return JSONResponse(
        {
            "message": failure.message,
            "status": failure.status,
            "request_id": request_tracking.current_request_id(),
        },
        failure.status,
        {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)},
    )
