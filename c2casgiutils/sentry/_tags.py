"""The id of the request, as a tag of what Sentry gets."""

import functools
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils.request_tracking import current_request_id, request_of

_TAG = "request_id"


@functools.cache
def tag_events() -> None:
    """Tag each event of the process that belongs to a request, a broadcast handler's too, with its id."""
    from sentry_sdk.scope import add_global_event_processor

    add_global_event_processor(_tag_event)


def _tag_event(event: Any, hint: dict[str, Any]) -> Any:
    _, error, _ = hint.get("exc_info") or (None, None, None)
    request = request_of(error)
    if request is not None:
        event.setdefault("tags", {}).setdefault(_TAG, request.request_id)
    return event


class TransactionTagMiddleware:
    """Tags the transaction of Sentry: its event is made once the request is no longer the current one.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        import sentry_sdk

        request_id = current_request_id()
        transaction = getattr(sentry_sdk.get_current_span(), "containing_transaction", None)
        if request_id is not None and transaction is not None:
            transaction.set_tag(_TAG, request_id)
        await self.app(scope, receive, send)
