"""The body of an error of the mounted application."""

from typing import Any

from c2casgiutils.request_tracking import current_request_id


def error_body(detail: Any, **more: Any) -> dict[str, Any]:
    """Return FastAPI's `detail`, and in a request that is tracked its `request_id`.

    Args:
        detail: What went wrong.
        more: Further fields.
    """
    request_id = current_request_id()
    return {"detail": detail, **more, **({} if request_id is None else {"request_id": request_id})}
