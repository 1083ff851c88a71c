"""The Kubernetes probes: pure ASGI, without middlewares.

The formats are those of the Kubernetes API server
(https://kubernetes.io/docs/reference/using-api/health-checks/) and, for `application/health+json`, of
draft-inadarei-api-health-check-05.
"""

import json
import urllib.parse
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from c2casgiutils import instances
from c2casgiutils._asgi import NOT_CACHED, encode_headers, make_final
from c2casgiutils._error_bodies import body_with_detail
from c2casgiutils.health_checks import _access
from c2casgiutils.health_checks._factory import FACTORY, outcomes, overall
from c2casgiutils.health_checks._outcome import Outcome
from c2casgiutils.health_checks._runner import Entry

_TEXT = b"text/plain; charset=utf-8"
_JSON = b"application/health+json"
FINAL_HEADERS = frozenset({b"cache-control"})
_NOT_CACHED = encode_headers(NOT_CACHED)
_Found = list[tuple[Entry, Outcome]]


class Probe:
    """One probe as an ASGI application.

    Args:
        name: Its name in responses, for example `readyz`.
        block: Returns why the probe fails regardless of the checks, for example `draining`, or `None`.
        group: Returns the group of checks that count; `None` for no checks.
        on_pass: Called when the probe passes.
    """

    def __init__(
        self,
        name: str,
        block: Callable[[], str | None] | None = None,
        group: Callable[[], str | None] | None = None,
        on_pass: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._block = block
        self._group = group
        self._on_pass = on_pass

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if scope["method"] not in {"GET", "HEAD"}:
            await send_not_allowed(scope, send)
            return
        instances.note_serving()
        reason = self._block() if self._block is not None else None
        group = self._group() if self._group is not None else None
        entries = FACTORY.in_group(group) if group is not None else None
        if not scope["query_string"] and not entries and not _wants_json(scope):
            await self._send_short(scope, send, reason)
            return
        await self._send_long(scope, receive, send, reason, entries)

    async def _send_short(self, scope: Scope, send: Send, reason: str | None) -> None:
        if reason is not None:
            await send_answer(scope, send, 503, reason.encode())
            return
        self._passed()
        await send_answer(scope, send, 200, b"ok")

    async def _send_long(
        self, scope: Scope, receive: Receive, send: Send, reason: str | None, entries: list[Entry] | None
    ) -> None:
        query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        verbose = "verbose" in query
        response = Response()
        details = await _access.may_see_details(Request(scope, receive), response)
        cookies = _access.cookies_of(response)
        excluded = set(query.get("exclude", ())) if entries is not None else set()
        entries = entries or []
        unknown = excluded - {entry.name for entry in entries}
        if unknown:
            known = f"; known: {', '.join(entry.name for entry in entries) or 'none'}" if details else ""
            await send_answer(scope, send, 404, f"unknown check to exclude{known}".encode(), extra=cookies)
            return
        found = await outcomes(entry for entry in entries if entry.name not in excluded)
        status = "fail" if reason is not None else overall(found, unknown="fail")
        if status != "fail":
            self._passed()
        code = 503 if status == "fail" else 200
        if _wants_json(scope):
            body = _json(status, reason, found, details=details)
            await send_answer(scope, send, code, body, content_type=_JSON, extra=cookies)
            return
        text = self._text(status, reason, found, verbose=verbose, details=details)
        await send_answer(scope, send, code, text.encode(), extra=cookies)

    def _passed(self) -> None:
        if self._on_pass is not None:
            self._on_pass()

    def _text(self, status: str, reason: str | None, found: _Found, *, verbose: bool, details: bool) -> str:
        if not verbose and reason is not None:
            return reason
        if not verbose and status != "fail":
            return "ok"
        lines = [f"[-]{reason}" if reason else "[+]ping ok"]
        lines += [_line(entry, outcome, details=details) for entry, outcome in found]
        lines.append(f"{self.name} check {'failed' if status == 'fail' else 'passed'}")
        return "\n".join(lines) + "\n"


def _line(entry: Entry, outcome: Outcome, *, details: bool) -> str:
    if outcome.status in {"pass", "warn", "skip"}:
        return f"[+]{entry.name} {'ok' if outcome.status == 'pass' else outcome.status}"
    reason = " ".join((outcome.message or "no message").split()) if details else "reason withheld"
    mark = "-" if entry.options.severity == "critical" else "+"
    return f"[{mark}]{entry.name} {'failed' if outcome.status == 'fail' else 'has not run yet'}: {reason}"


def _json(status: str, reason: str | None, found: _Found, *, details: bool) -> bytes:
    body: dict[str, Any] = {"status": status}
    if reason is not None:
        body["output"] = reason
    checks = {
        f"{entry.name}:responseTime": [_component(outcome, details=details)] for entry, outcome in found
    }
    if checks:
        body["checks"] = checks
    return json.dumps(body).encode()


def _component(outcome: Outcome, *, details: bool) -> dict[str, Any]:
    status = {"skip": "pass", "unknown": "warn"}.get(outcome.status, outcome.status)
    component: dict[str, Any] = {"status": status}
    if outcome.since:
        component |= {"observedValue": outcome.milliseconds, "observedUnit": "ms"}
        component["time"] = outcome.ended
    if details and outcome.message and outcome.status != "pass":
        component["output"] = outcome.message
    return component


def _wants_json(scope: Scope) -> bool:
    return any(
        name == b"accept" and (b"application/health+json" in value or b"application/json" in value)
        for name, value in scope["headers"]
    )


async def send_answer(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    *,
    content_type: bytes = _TEXT,
    extra: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """Send a complete response that is not cached."""
    make_final(scope, FINAL_HEADERS)
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        *_NOT_CACHED,
        *(extra or ()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def send_not_allowed(scope: Scope, send: Send) -> None:
    """Reject a method other than GET and HEAD, in the format of the other views."""
    body, allow = json.dumps(body_with_detail(405, "Method Not Allowed")).encode(), (b"allow", b"GET, HEAD")
    await send_answer(scope, send, 405, body, content_type=b"application/json", extra=[allow])


def _start_up_passed() -> None:
    FACTORY.service.has_started = True


def _not_started() -> str | None:
    return None if FACTORY.service.has_started or instances.state() != "starting" else "starting"


def _start_up_group() -> str | None:
    return None if FACTORY.service.has_started else "startup"


def _not_ready() -> str | None:
    state = instances.state()
    return None if state == "ready" else state


PROBES = {
    "livez": Probe("livez"),
    "readyz": Probe("readyz", _not_ready, lambda: "ready"),
    "startupz": Probe("startupz", _not_started, _start_up_group, _start_up_passed),
}


def probe_routes(prefix: str = "") -> list[Route]:
    """Return the routes `/livez`, `/readyz` and `/startupz`, to be placed before all others.

    Args:
        prefix: Prefix of their paths, without a trailing slash.
    """
    return [
        Route(f"{prefix}/{name}", probe, name=f"c2c_{name}", include_in_schema=False)
        for name, probe in PROBES.items()
    ]


def probes(app: Starlette) -> None:
    """Add `/livez`, `/readyz` and `/startupz` at the root of an application.

    Args:
        app: The application; its other routes with these paths, if any, are no longer reachable.
    """
    app.router.routes[:0] = probe_routes()
