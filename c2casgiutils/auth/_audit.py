"""The audit log: who signed in, and who changed what."""

import asyncio
import contextlib
import datetime
import inspect
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request

from c2casgiutils import broadcast, config, instances, logs, redis_utils
from c2casgiutils._secrets import scrub, scrub_mapping
from c2casgiutils.auth import _audit_lists, _shared, _state
from c2casgiutils.auth._audit_lists import AuditEvent, Kind
from c2casgiutils.auth._model import AuthInfo
from c2casgiutils.request_tracking import current_request_id

LOGGER_NAME = "c2casgiutils.audit"
_LOGGER = logging.getLogger(LOGGER_NAME)
_FAILURES = logging.getLogger(__name__)

CALLER = "c2casgiutils.auth.caller"
"""The key of the request's scope in which `get_auth` stores the caller."""

_LOGIN = re.compile(r"[\w.-]+(\[bot\])?", re.ASCII)
_STARTED = "started"
_MAX_LENGTH = 1000


async def record(
    action: str,
    *,
    request: Request | None = None,
    auth_info: AuthInfo | None = None,
    target: str | None = None,
    before: object = None,
    after: object = None,
    result: str = "ok",
    kind: Kind = "changes",
) -> None:
    """Record an event: a line on `c2casgiutils.audit`, and one of the last 1,000 events of its kind.

    Never raises: an operation must not fail because it could not be recorded.

    Args:
        action: What was done, for example `logging.level`.
        request: The request that caused it.
        auth_info: Who asked for it; by default the caller that `get_auth` identified for the request.
        target: What it was done to.
        before: The value before; never a secret.
        after: The value after; never a secret.
        result: The outcome.
        kind: `refusals` for operations that were rejected before they started.
    """
    entry = Entry(action, request, auth_info, target, before)
    await entry.keep(after, result, kind)


class Entry:
    """The event of one operation, updated as the operation proceeds; never raises."""

    def __init__(
        self,
        action: str,
        request: Request | None,
        auth_info: AuthInfo | None,
        target: str | None,
        before: object,
    ) -> None:
        self._action = action
        self._request = request
        self.caller: AuthInfo = auth_info or (request.scope.get(CALLER) if request else None) or AuthInfo()
        self._target = target
        self._before = before
        self._event: AuditEvent | None = None
        self._kind: Kind = "changes"
        self._stored: str | None = None

    async def keep(self, after: object, result: str, kind: Kind = "changes") -> None:
        """Write the line, and replace the previous event of this operation."""
        try:
            event = self._create(after, result)
            _write(event)
            state = _state.current()
            _audit_lists.keep(state.audit[kind], event, self._event)
            self._event, self._kind = event, kind
            if not await self.save() and redis_utils.is_configured() and self not in state.unsaved_audit:
                state.unsaved_audit.append(self)
        except Exception:  # noqa: BLE001  # a boundary: the recorded operation continues in any case
            _FAILURES.exception("Could not record the operation: %s", self._action)

    async def save(self) -> bool:
        """Store the event in Redis, and return whether it is there."""
        kind, event, replaced = self._kind, self._event, self._stored
        if event is None:
            return True
        stored = await _shared.attempt(lambda redis: _audit_lists.store(redis, kind, event, replaced))
        if stored is not None:
            self._stored = stored
        return stored is not None

    def _create(self, after: object, result: str) -> AuditEvent:
        request = self._request
        return AuditEvent(
            at=datetime.datetime.fromtimestamp(broadcast.now(), tz=datetime.UTC),
            who=name_of(self.caller),
            method=self.caller.type.value,
            action=self._action,
            target=None if self._target is None else _plain(self._target),
            before=_plain(self._before),
            after=_plain(after),
            result=_plain(result),
            request_id=_plain(current_request_id()),
            client=request.client.host if request and request.client else None,
            instance=instances.own_id(),
        )


def _write(event: AuditEvent) -> None:
    """Write the line regardless of the level of the logger, so that the audit log cannot be disabled."""
    fields = {name: value for name, value in event.model_dump(mode="json").items() if value is not None}
    # no colon: "secret: ok" and "auth.sign_in: ok" would look like a secret with its name, and be masked
    who = event.who if _LOGIN.fullmatch(event.who) else _quoted(event.who)
    told = [f"{event.action} ({event.result}) by {who}"]
    told += [
        f"{word} {_quoted(fields[name])}"
        for name, word in (("client", "from"), ("target", "target"), ("before", "before"), ("after", "after"))
        if name in fields
    ]
    extra = {f"audit_{name}": value for name, value in fields.items()}
    file, number, function = _place()
    line = _LOGGER.makeRecord(
        LOGGER_NAME, logging.INFO, file, number, "%s", (", ".join(told),), None, function, extra
    )
    # `fileConfig`, as in the environment of Alembic, disables loggers that its file does not name
    _LOGGER.disabled = False
    _LOGGER.handle(line)
    if logs.written_from(_LOGGER) > logging.INFO:
        logs.write_to_standard_error(line)


def _place() -> tuple[str, int, str]:
    """Return the file, the line and the function that record the event."""
    frame = inspect.currentframe()
    # `recorded` is called by `contextlib`
    while frame is not None and frame.f_globals.get("__name__") in (__name__, contextlib.__name__):
        frame = frame.f_back
    if frame is None:
        return __file__, 0, record.__name__
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


def _quoted(value: Any) -> str:
    """Return a value so that it cannot be taken for the next part of the line."""
    if isinstance(value, str) and value.startswith(("{", "[", '"')):
        with contextlib.suppress(ValueError):
            json.loads(value)
            return value
    return json.dumps(value, ensure_ascii=False)


def name_of(caller: AuthInfo) -> str:
    """Return the name of a caller for the audit log.

    The login, or the name given with the shared secret, which is marked as unverified, or the method.
    """
    return caller.user.login or caller.user.display_name or caller.type.value


class Pending:
    """An event that is recorded when its operation ends.

    Attributes:
        by: The name of the caller, as in the event.
        result: The result, which the operation sets.
        after: The value after, which the operation may set.
    """

    def __init__(self, by: str) -> None:
        self.by = by
        self.result = "ok"
        self.after: object = None


@contextlib.asynccontextmanager
async def recorded(
    action: str,
    *,
    request: Request,
    auth_info: AuthInfo | None = None,
    target: str | None = None,
    before: object = None,
    after: object = None,
) -> AsyncIterator[Pending]:
    """Record an event for an operation: first as `started`, then with the result in its place.

    The result is the one that the operation sets, or `failed` if it raises.

    Args:
        action: What is done, for example `logging.level`.
        request: The request that caused it.
        auth_info: Who asked for it; by default the caller that `get_auth` identified for the request.
        target: What it is done to.
        before: The value before; never a secret.
        after: The value after, unless the operation sets it; never a secret.
    """
    entry = Entry(action, request, auth_info, target, before)
    pending = Pending(name_of(entry.caller))
    pending.after = after
    await entry.keep(after, _STARTED)
    try:
        yield pending
    except BaseException:
        pending.result = "failed"
        raise
    finally:
        await entry.keep(pending.after, pending.result)


def _plain(value: Any) -> Any:
    """Return a value that is short, contains no secret and cannot inject lines into a log."""
    if value is None or isinstance(value, bool | int | float):
        return value
    secrets = logs.RedactionFilter(config.secrets_of(config.settings)).values
    if isinstance(value, str):
        text = scrub(value, secrets)
    else:
        text = json.dumps(scrub_mapping(value, secrets), default=str)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:_MAX_LENGTH])


def save_soon(_version: int) -> None:
    """Store the events that are not in Redis, in a task; called after each heartbeat that Redis accepted."""
    state = _state.current()
    if state.unsaved_audit and (state.saving_audit is None or state.saving_audit.done()):
        state.saving_audit = asyncio.create_task(save_again(), name="c2c-audit")


async def save_again() -> None:
    """Store the events that could not be stored while Redis was unreachable."""
    unsaved = _state.current().unsaved_audit
    while unsaved:
        entry = unsaved.popleft()
        if not await entry.save():
            unsaved.appendleft(entry)
            return


async def last(count: int, kind: Kind = "changes") -> tuple[str, list[AuditEvent]]:
    """Return the last events, newest first, and their scope: `cluster` or `process`."""
    await save_again()
    events = await _shared.attempt(lambda redis: _audit_lists.read(redis, kind, count))
    if events is not None:
        return "cluster", events
    return "process", _state.current().audit[kind][: -count - 1 : -1]
