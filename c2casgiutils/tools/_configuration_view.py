"""The view of the configuration: versions, settings, the request behind the proxy, header grade, routes."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.routing import iter_route_contexts

from c2casgiutils import debug, headers
from c2casgiutils._secrets import scrub, scrub_items
from c2casgiutils.tools import _curl, _debug_settings, _pages, _subrequest, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("configuration")
_MAX_ROUTES = 300
_GRADE_SECONDS = 5


class Route(NamedTuple):
    """A route of the application."""

    path: str
    methods: str
    name: str


class Grade(NamedTuple):
    """The grade of the security headers of an answer of the application."""

    path: str
    status: int
    result: headers.Grade


@router.get("/configuration", name="c2c_configuration")
async def get_configuration(request: Request) -> Response:
    """Return the view."""
    query = Query(request)
    changed = query.is_on("changed")
    path = query.text("grade")

    async def load(caller: Caller, summary: Summary) -> dict[str, Any]:
        settings = await _debug_settings.get_settings(changed) if caller.is_admin else None
        routes = list(_routes(debug.application(), ""))
        return {
            "is_live": settings is None,
            "versions": debug.compare_versions(summary.roster),
            "settings": [] if settings is None else settings.settings,
            "report": None if settings is None else settings.cluster,
            "changed": changed,
            "settings_href": _curl.twin(request, "settings", {"changed": "changed"}),
            "request_rows": _request_rows(request),
            "unread": headers.unread_forwarded(request.scope),
            "routes": routes[:_MAX_ROUTES],
            "more_routes": max(0, len(routes) - _MAX_ROUTES),
            "grade": await _grade(request, path, query) if path and caller.is_admin else None,
            "path": path or "/",
        }

    return await _pages.respond(request, _VIEW, "configuration.html", load, query=query)


def _request_rows(request: Request) -> list[tuple[str, str]]:
    client = request.client
    return [
        ("URL", scrub(str(request.url))),
        ("Client", f"{client.host} port {client.port}" if client else "unknown"),
        ("Protocol", f"HTTP/{request.scope['http_version']}"),
        *scrub_items(request.headers.items()),
    ]


def _routes(application: Any, prefix: str) -> Iterator[Route]:
    """Return the routes of an application and of those that it mounts."""
    for route in iter_route_contexts(getattr(application, "routes", ())):
        path = f"{prefix}{route.path or ''}"
        if getattr(route, "routes", None):
            yield from _routes(route, path)
        else:
            methods = ", ".join(sorted(route.methods or ())) or type(route.original_route).__name__
            yield Route(path, methods, route.name or "")


async def _grade(request: Request, path: str, query: Query) -> Grade | None:
    """Return the grade of a path of the application, `None` with a note if it cannot be requested."""
    application = debug.application()
    try:
        path = _subrequest.check_path(path)
    except ValueError as error:
        query.refused.append(f"grade {error}.")
        return None
    if application is None:
        query.refused.append("The headers cannot be graded: the application is not known, call startup(app).")
        return None
    try:
        async with asyncio.timeout(_GRADE_SECONDS):
            outcome = await _subrequest.send(application, request, path)
    except TimeoutError:
        query.refused.append(f"{path} did not answer within {_GRADE_SECONDS} s.")
        return None
    return Grade(path, outcome.status, headers.grade(outcome.headers))
