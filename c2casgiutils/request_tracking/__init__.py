"""The id of the request that is being answered, readable from everywhere."""

from contextvars import ContextVar

__all__ = ["REQUEST_ID", "current_request_id"]

REQUEST_ID: ContextVar[str | None] = ContextVar("c2casgiutils_request_id", default=None)
"""Set by whoever receives a request, reset with its token when the answer is done."""


def current_request_id() -> str | None:
    """Return the id of the current request, `None` outside a request."""
    return REQUEST_ID.get()
