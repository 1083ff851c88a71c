"""The bodies of errors: of the mounted application, and of applications with `errors.install`."""

from collections.abc import Iterable
from typing import Any

from c2casgiutils.request_tracking import current_request_id

INVALID_REQUEST = "The request is not valid"


def error_body(status: int, message: Any, **more: Any) -> dict[str, Any]:
    """Return `{"message", "status", "request_id"}`; the id is `None` in a request that is not tracked.

    Args:
        status: The HTTP status code.
        message: What went wrong.
        more: Further fields.
    """
    return {"message": message, "status": status, **more, "request_id": current_request_id()}


def body_with_detail(status: int, detail: Any, **more: Any) -> dict[str, Any]:
    """Return the body of an error of the mounted application, which keeps FastAPI's `detail`.

    Args:
        status: The HTTP status code.
        detail: What went wrong; a list has the errors of a request that is not valid.
        more: Further fields.
    """
    if isinstance(detail, list):
        return {"detail": detail, **error_body(status, INVALID_REQUEST, errors=detail, **more)}
    return {"detail": detail, **error_body(status, detail, **more)}


def without_input(errors: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what is wrong with a request, without its values, which may be secrets or invalid UTF-8.

    Args:
        errors: What `RequestValidationError.errors()` returns.
    """
    return [_without_input(error) for error in errors]


def _without_input(error: dict[str, Any]) -> dict[str, Any]:
    if error["loc"] == ("body",) and isinstance(error.get("input"), bytes):
        # FastAPI parses JSON only with this content type, which a form of another site's page cannot send
        msg = "The body is parsed as JSON only with the header Content-Type: application/json"
        return {"type": "content_type", "loc": error["loc"], "msg": msg}
    return {key: error[key] for key in ("type", "loc", "msg")}
