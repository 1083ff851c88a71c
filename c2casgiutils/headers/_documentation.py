"""Recognise requests for the documentation pages of a FastAPI application."""

from typing import Any

from starlette.types import Scope

from c2casgiutils._asgi import path_inside

PAGES = ("docs", "redoc")


def documentation_page(scope: Scope) -> str | None:
    """Return `docs` for Swagger UI and its sign-in page, `redoc` for ReDoc, `None` for anything else.

    Only what the documentation routes of the innermost application answer counts: any other page, also one
    whose address ends in `docs`, may show what users wrote.

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
    # What is mounted below the application has a root path of its own: `/wiki/docs` is `/docs` there.
    endpoint = scope.get("endpoint")
    is_route = any(
        getattr(route, "path", None) == path and getattr(route, "endpoint", None) is endpoint
        for route in app.routes
    )
    return page if is_route else None
