"""Recognises requests for the documentation pages of a FastAPI application."""

from typing import Any

from starlette.types import Scope

from c2casgiutils._asgi import path_inside

PAGES = ("docs", "redoc")


def documentation_page(scope: Scope) -> str | None:
    """Return `docs` for Swagger UI and its OAuth redirect page, `redoc` for ReDoc, otherwise `None`.

    Only the documentation routes of the innermost application count: any other page, even one whose path ends
    in `docs`, may contain user input.

    Args:
        scope: The scope of the request once the response starts.
    """
    app: Any = scope.get("app")
    if not getattr(app, "openapi_url", None):
        return None
    path = path_inside(scope["path"], scope.get("root_path", ""))
    pages = {
        getattr(app, "swagger_ui_oauth2_redirect_url", None): "docs",
        getattr(app, "docs_url", None): "docs",
        getattr(app, "redoc_url", None): "redoc",
    }
    page = pages.get(path)
    if page is None:
        return None
    # Applications mounted below have their own root path: `/wiki/docs` is `/docs` there.
    endpoint = scope.get("endpoint")
    is_route = any(
        getattr(route, "path", None) == path and getattr(route, "endpoint", None) is endpoint
        for route in app.routes
    )
    return page if is_route else None
