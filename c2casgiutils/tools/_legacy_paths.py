"""The addresses of c2cwsgiutils that are not those of today, with `install(legacy_paths=True)`.

What browsers open is redirected, since the cookies of a sign-in are sent to its new path only. What
monitoring asks for is answered at once, since not every tool follows redirects.
"""

from fastapi import Request, Response
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Match, Route
from starlette.types import Scope

from c2casgiutils import auth
from c2casgiutils._asgi import LEGACY_PATHS
from c2casgiutils.tools import logging_


class _LegacyRoute(Route):
    """Route of a mount that has the old addresses."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope.get(LEGACY_PATHS) else (Match.NONE, {})


class _LevelsRoute(_LegacyRoute):
    """Route of the list of the levels, which has the path of the view of one level."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.FULL or {"name", "level"} & QueryParams(scope["query_string"]).keys():
            return Match.NONE, {}
        return match, child_scope


async def _redirect(request: Request) -> Response:
    name = request.scope["path"].rpartition("/github-")[2]
    query = request.scope["query_string"].decode()
    return RedirectResponse(f"auth/github/{name}{'?' if query else ''}{query}", 307)


async def _list_levels(request: Request) -> Response:
    cookies = Response()
    await auth.require_read_only_access(await auth.get_auth(request, cookies), request, cookies)
    listed = await logging_.get_overrides()
    levels = {override.name: override.level for override in listed.overrides}
    return JSONResponse({"status": 200, "overrides": levels})


routes = [
    *(
        _LegacyRoute(f"/github-{name}", _redirect, include_in_schema=False)
        for name in ("login", "callback", "logout")
    ),
    _LevelsRoute("/logging/level", _list_levels, include_in_schema=False),
]
"""To be put before the other routes."""
