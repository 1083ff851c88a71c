"""The record of who signed in and who changed what."""

import collections
import datetime
import logging
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from c2casgiutils.auth.model import AuthInfo

_LOGGER = logging.getLogger("c2casgiutils.audit")
KEPT = 1000
"""How many records are kept."""

CALLER = "c2casgiutils.auth.caller"
"""The key of the request's scope under which `get_auth` leaves the caller."""

_ring: collections.deque["AuditEvent"] = collections.deque(maxlen=KEPT)


class AuditEvent(BaseModel):
    """One record.

    Attributes:
        at: When, in UTC.
        who: The login of the user, `secret` for the shared secret, `anonymous`.
        method: How they signed in.
        action: What they did.
        target: On what.
        before: The value before.
        after: The value after.
        result: How it ended.
        request_id: The id of the request, when it has one.
        client: The address of the caller.
    """

    at: datetime.datetime
    who: str
    method: str
    action: str
    target: str | None = None
    before: Any = None
    after: Any = None
    result: str = "ok"
    request_id: str | None = None
    client: str | None = None


async def record(
    action: str,
    *,
    request: Request | None = None,
    auth_info: AuthInfo | None = None,
    target: str | None = None,
    before: object = None,
    after: object = None,
    result: str = "ok",
) -> None:
    """Keep one record: a structured line on `c2casgiutils.audit`, and one of the last 1,000 events.

    It never raises: an operation does not fail because it could not be recorded.

    Args:
        action: What was done, as `logging.level`.
        request: The request that asked for it.
        auth_info: Who asked; by default the caller that `get_auth` found for the request.
        target: On what it was done.
        before: The value before; never a secret.
        after: The value after; never a secret.
        result: How it ended.
    """
    who = auth_info or (request.scope.get(CALLER) if request else None) or AuthInfo()
    event = AuditEvent(
        at=datetime.datetime.now(datetime.UTC),
        who=who.user.login or who.type.value,
        method=who.type.value,
        action=action,
        target=target,
        before=before,
        after=after,
        result=result,
        client=request.client.host if request and request.client else None,
    )
    _LOGGER.info("%s by %s: %s", action, event.who, result, extra={"audit": event.model_dump(mode="json")})
    _ring.append(event)


async def last(count: int) -> tuple[str, list[AuditEvent]]:
    """The last records, the last one first, and whose they are: of the `cluster` or of the `process`."""
    return "process", list(_ring)[: -count - 1 : -1]


def forget() -> None:
    """Drop the records of this process."""
    _ring.clear()
