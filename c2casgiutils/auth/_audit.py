"""The audit: who signed in, and who changed what."""

import contextlib
import datetime
import json
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastapi import Request
from pydantic import BaseModel

from c2casgiutils import redis_utils
from c2casgiutils._secrets import scrub, scrub_mapping
from c2casgiutils.auth import _shared, _state
from c2casgiutils.auth._model import AuthInfo
from c2casgiutils.auth._state import MAX_AUDIT_EVENTS
from c2casgiutils.request_tracking import current_request_id

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOGGER = logging.getLogger("c2casgiutils.audit")
_FAILURES = logging.getLogger(__name__)

CALLER = "c2casgiutils.auth.caller"
"""The key of the request's scope under which `get_auth` leaves the caller."""

_MAX_LENGTH = 1000


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
    try:
        caller = auth_info or (request.scope.get(CALLER) if request else None) or AuthInfo()
        event = AuditEvent(
            at=datetime.datetime.now(datetime.UTC),
            who=name_of(caller),
            method=caller.type.value,
            action=action,
            target=None if target is None else _plain(target),
            before=_plain(before),
            after=_plain(after),
            result=_plain(result),
            request_id=current_request_id(),
            client=request.client.host if request and request.client else None,
        )
        text = event.model_dump_json()
        fields = {f"audit_{name}": value for name, value in json.loads(text).items() if value is not None}
        # no colon: "secret: ok" and "auth.sign_in: ok" would read as a secret with its name, and be masked
        _LOGGER.info("%s (%s) by %s", action, event.result, event.who, extra=fields)
        _state.current().audit.append(event)
        await _shared.attempt(lambda redis: _add(redis, text))
    except Exception:  # noqa: BLE001  # a boundary: what is recorded goes on whatever happens
        _FAILURES.exception("An operation could not be recorded: %s", action)


def name_of(caller: AuthInfo) -> str:
    """Return the name of a caller for the record: the login, or how they signed in."""
    return caller.user.login or caller.type.value


class Pending:
    """A record that is kept when its operation ends."""

    def __init__(self) -> None:
        self.result = "ok"
        self.after: object = None


@contextlib.asynccontextmanager
async def recorded(
    action: str,
    *,
    request: Request,
    auth_info: AuthInfo,
    target: str | None = None,
    before: object = None,
    after: object = None,
) -> AsyncIterator[Pending]:
    """Keep one record when an operation ends: with the result that it gives, `failed` when it raises.

    Args:
        action: What is done, as `logging.level`.
        request: The request that asked for it.
        auth_info: Who asked.
        target: On what it is done.
        before: The value before; never a secret.
        after: The value after, unless the operation gives it; never a secret.
    """
    pending = Pending()
    pending.after = after
    try:
        yield pending
    except BaseException:
        pending.result = "failed"
        raise
    finally:
        await record(
            action,
            request=request,
            auth_info=auth_info,
            target=target,
            before=before,
            after=pending.after,
            result=pending.result,
        )


def _plain(value: Any) -> Any:
    """Return a value that is short, holds no secret and cannot forge lines of a log."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = scrub(value) if isinstance(value, str) else json.dumps(scrub_mapping(value), default=str)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:_MAX_LENGTH])


async def _add(redis: "Redis", text: str) -> bool:
    await redis.xadd(_stream(), {"event": text}, maxlen=MAX_AUDIT_EVENTS, approximate=False)
    return True


async def _read(redis: "Redis", count: int) -> list[AuditEvent]:
    entries: Any = await redis.xrevrange(_stream(), count=count)
    events = []
    for _, fields in entries:
        try:
            events.append(AuditEvent.model_validate_json(fields["event"]))
        except (KeyError, ValueError):
            _FAILURES.warning("An entry of the record in Redis is not one of ours")
    return events


def _stream() -> str:
    return redis_utils.scoped("audit")


async def last(count: int) -> tuple[str, list[AuditEvent]]:
    """Return the last records, newest first, and whose they are: of the `cluster` or of the `process`."""
    events = await _shared.attempt(lambda redis: _read(redis, count))
    if events is not None:
        return "cluster", events
    return "process", list(_state.current().audit)[: -count - 1 : -1]
