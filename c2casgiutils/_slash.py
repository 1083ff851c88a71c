"""The redirection from the address of a mount to the same with a slash, without the name of a host."""

from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse

_QUERY_LETTERS = "/?:@!$&'()*+,;=~%"
_METHODS = ("GET", "HEAD", "POST")
"""Of the page."""


def redirect_to_slash(app: Starlette, path: str) -> None:
    """Redirect a path to the same with a slash at its end.

    Starlette would send the browser to whatever `Host` says. Here the target is relative: behind a proxy that
    strips a prefix nobody knows the whole path either.

    Args:
        app: The application that has the mount.
        path: The path of the mount, without a slash at its end and without parameters.
    """

    async def redirect(request: Request) -> RedirectResponse:
        # as bytes: not every server refuses a query that is not UTF-8
        query = f"?{quote(raw, safe=_QUERY_LETTERS)}" if (raw := request.scope["query_string"]) else ""
        return RedirectResponse(f"{path.rpartition('/')[2]}/{query}")

    app.add_route(path, redirect, methods=list(_METHODS), include_in_schema=False)
