"""The endpoint for the checks, and the fast path to it and to the probes, which are requested often."""

import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pydantic_core
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils._asgi import NOT_CACHED, make_final, path_inside
from c2casgiutils._error_bodies import body_with_detail
from c2casgiutils.health_checks import _access
from c2casgiutils.health_checks._factory import FACTORY, outcomes, split, worst
from c2casgiutils.health_checks._probes import FINAL_HEADERS, PROBES, send_not_allowed
from c2casgiutils.health_checks._runner import Entry

_BODILESS = {204, 205, 304}
_OFF = {"0", "false", "no", "off"}
_PATHS = ("/health", "/health/", "/health_checks", "/health_checks/")

PROBE_PATHS = frozenset({*_PATHS, "/health_check", *(f"/{name}" for name in PROBES)})
"""The paths requested by load balancers and Kubernetes, below the mount."""


async def health_checks(request: Request) -> Response:
    """Return the state of the selected checks; the status code is that of the worst one."""
    make_final(request.scope, FINAL_HEADERS)
    response = Response(headers=NOT_CACHED, media_type="application/json")
    details = await _access.may_see_details(request, response)
    response.status_code, body = await _answer(request, details=details)
    response.headers["Content-Length"] = str(len(body))
    response.body = b"" if request.method == "HEAD" else body
    return response


async def _answer(request: Request, *, details: bool) -> tuple[int, bytes]:
    """Return the status code and the JSON of `GlobalResult`."""
    started = time.monotonic()
    query: Mapping[str, str] = request.query_params if request.scope["query_string"] else {}
    selected = FACTORY.select(query.get("name"), query.get("tags"))
    if query.get("strict", "0").lower() not in _OFF:
        problem = _problem_of(query, selected, details=details)
        if problem is not None:
            return 404, pydantic_core.to_json(body_with_detail(404, problem))
    found = await outcomes(selected)
    code = worst(found)
    body = {
        "status_code": code,
        "time_taken": time.monotonic() - started,
        "entities": [entry.fields(outcome, details=details) for entry, outcome in found],
    }
    return 200 if code in _BODILESS else code, pydantic_core.to_json(body)


def _problem_of(query: Mapping[str, str], selected: list[Entry], *, details: bool) -> str | None:
    """Return why the query of a request selects no check, or `None` if it is fine."""
    names, tags = {query["name"]} if query.get("name") else set(), split(query.get("tags"))
    entries = FACTORY.entries
    known_tags = {tag for entry in entries for tag in entry.options.tags}
    problem = _access.describe_unknown("check", names, {entry.name for entry in entries}, details=details)
    problem = problem or _access.describe_unknown("tag", tags, known_tags, details=details)
    if problem is None and (names or tags) and not selected:
        return "No check has this name and one of these tags"
    return problem


class HealthRoute(APIRoute):
    """A route that is in the schema but skips FastAPI's validation for each request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        return self.endpoint


async def _health(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond like the routes, for GET and HEAD."""
    if scope["method"] not in {"GET", "HEAD"}:
        await send_not_allowed(scope, send)
        return
    response = await health_checks(Request(scope, receive))
    await response(scope, receive, send)


class FastPath:
    """Responds to requests for the probes and the checks before other middlewares and routes.

    A request with a cookie is passed on to the route, which can renew or clear the session.

    Args:
        app: The rest of the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._paths: dict[str, ASGIApp] = {f"/{name}": probe for name, probe in PROBES.items()}
        self._paths |= dict.fromkeys(_PATHS, _health)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, or pass the request on."""
        app = self._find(scope) if scope["type"] == "http" else None
        await (app or self.app)(scope, receive, send)

    def _find(self, scope: Scope) -> ASGIApp | None:
        path: str = scope["path"]
        app = self._paths.get(path_inside(path, scope.get("root_path", "")))
        if app is None or any(name == b"cookie" for name, _ in scope["headers"]):
            return None
        return app
