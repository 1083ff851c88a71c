"""The last requests of a process: the middleware that records them, and how they are read."""

import datetime
import itertools
import logging
import time
from collections.abc import Awaitable
from typing import Any, NamedTuple

from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils import broadcast, instances
from c2casgiutils._asgi import FINAL, HELD, route_template
from c2casgiutils._starlette import mount_template
from c2casgiutils.debug._state import MAX_EXCHANGES, STATE

STATUS_PATTERN = "^[1-5]([0-9][0-9]|[xX][xX])$"
"""Pattern of the statuses to select: `503`, or `5xx`."""

_LOGGER = logging.getLogger(__name__)

_WEBSOCKET = "WEBSOCKET"
_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", _WEBSOCKET)
)
_STATUS_OF = {"websocket.accept": 101, "websocket.close": 403}
_INTERNAL_ERROR, _NOT_ANSWERED = 500, 499
_MAX_LENGTH = 500


class Exchange(BaseModel):
    """A request and its answer."""

    at: datetime.datetime = Field(description="When it began, by the clock of Redis")
    instance: str
    method: str = Field(description="`other` for one that is not standard, `WEBSOCKET` for a websocket")
    route: str | None = Field(description="Template of the path; null if no route matched")
    status: int = Field(description="499 for a request that ended without an answer")
    ms: float = Field(description="Until the end of the answer; of a websocket until it was closed")
    request_id: str | None


class Exchanges(BaseModel):
    """The last requests of one process, newest first."""

    exchanges: list[Exchange]


class _Record(NamedTuple):
    """What is kept of a request, times in seconds; not validated before it is read, to cost less."""

    began: float
    ended: float
    method: str
    route: object
    status: int
    request_id: object


class ExchangesMiddleware:
    """Keep the last requests in memory, without body, query and address.

    Probes, health checks and the mounted application of this package are left out: they are requested all the
    time, and would replace the requests of the application.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        state = scope.get("state")
        if state is None:
            state = scope["state"] = {}
        if scope["type"] == "lifespan" or HELD in state:
            await self.app(scope, receive, send)
            return
        held = state[HELD] = [scope, scope.get("root_path", "")]
        keep, status, began = self._keep, 0, time.perf_counter()

        def send_recorded(message: Message) -> Awaitable[None]:
            nonlocal status
            kind = message["type"]
            if kind == "http.response.body":
                if not message.get("more_body"):
                    keep(held, began, status)
            elif kind == "http.response.start":
                status = message["status"]
            elif not status:  # of a websocket
                status = message.get("status") or _STATUS_OF.get(kind, 0)
            return send(message)

        try:
            await self.app(scope, receive, send_recorded)
        except Exception:
            status = status or _INTERNAL_ERROR
            raise
        finally:
            if held:
                keep(held, began, status)

    def _keep(self, held: list[Any], began: float, status: int) -> None:
        """Keep a request once, when its answer ended, unless it is one of those that are left out."""
        if not held:
            return
        scope, root_path = held
        held.clear()
        try:
            state = scope["state"]
            if FINAL in state:
                return
            template = route_template(scope)
            if template is not None and (root := scope.get("root_path", "")) != root_path:
                template = f"{self._mounts(root, root_path)}{template}"
            # a tuple costs less than its named form
            record = (
                began,
                time.perf_counter(),
                scope.get("method", _WEBSOCKET),
                template,
                status,
                state.get("request_id"),
            )
        except Exception:  # for what an application puts into the scope, no request may fail
            _LOGGER.debug("A request could not be recorded", exc_info=True)
            return
        STATE.exchanges.append(record)

    def _mounts(self, root_path: str, outer: str) -> str:
        """Return the templates of the mounts in a root path, without the root path of the server."""
        return mount_template(self.app, root_path.rstrip("/").removeprefix(outer.rstrip("/")))


def read_exchanges(
    *, status: str = "", route: str = "", min_ms: float = 0.0, limit: int = MAX_EXCHANGES
) -> Exchanges:
    """Return the last requests of this process, newest first.

    Args:
        status: Only those with this status, `503`, or one of this class, `5xx`.
        route: Only those whose template contains this text.
        min_ms: Only those that took as long as this, in milliseconds.
        limit: Maximum number.
    """
    # Rounded, as two readings of the two clocks differ by microseconds, and the time is what names a request.
    offset = round(broadcast.now() - time.perf_counter(), 3)
    id_ = instances.own_id()
    wanted = status.lower().replace("x", "")
    found = (
        _model(record, offset, id_)
        for record in sorted(itertools.starmap(_Record, STATE.exchanges.copy()), key=_began, reverse=True)
        if str(record.status or _NOT_ANSWERED).startswith(wanted)
        and (not route or route in (_shown(record.route) or ""))
        and (record.ended - record.began) * 1000 >= min_ms
    )
    return Exchanges(exchanges=list(itertools.islice(found, limit)))


def _shown(value: object) -> str | None:
    """Return a text, `None` for one that the application has set and that cannot be shown."""
    is_valid = isinstance(value, str) and len(value) <= _MAX_LENGTH and value.isprintable()
    return str(value) if is_valid else None


def _began(record: _Record) -> float:
    return record.began


def _model(record: _Record, offset: float, id_: str) -> Exchange:
    return Exchange(
        at=datetime.datetime.fromtimestamp(record.began + offset, tz=datetime.UTC),
        instance=id_,
        method=record.method if record.method in _METHODS else "other",
        route=_shown(record.route),
        status=record.status or _NOT_ANSWERED,
        ms=round((record.ended - record.began) * 1000, 3),
        request_id=_shown(record.request_id),
    )
