"""The page that a browser gets for an error: it says what is wrong, and leads to the sign-in or back."""

from collections.abc import Mapping
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from c2casgiutils._asgi import path_inside
from c2casgiutils.tools import _caller, _pages, _way_in
from c2casgiutils.tools._messages import Message
from c2casgiutils.tools._views import View

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


async def render(
    request: Request, status: int, detail: Any, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """Return the page, which works at any depth below the mount.

    Args:
        request: The request.
        status: The HTTP status code.
        detail: What went wrong; a list has the errors of a request that is not valid.
        headers: Further headers.
    """
    response = HTMLResponse(status_code=status, headers={**_pages.HEADERS, **(headers or {})})
    caller = await _caller.caller_of(request, response)
    path = path_inside(request.scope["path"], request.scope.get("root_path", "")).removeprefix("/")
    root = "../" * path.count("/")
    view = View(path, "This address", "", "")
    is_get = request.method == HTTPMethod.GET
    context = {
        "root": root,
        "view": view,
        "href": f"{root}{path}" if is_get else root or "./",
        "caller": caller,
        "state": "fail",
        "title": _pages.title_for(caller),
        "message": Message("fail", f"{HTTPStatus(status).phrase}.", f"{_text(detail)}."),
        "may_sign_in": status in _REFUSED and not caller.info.is_logged_in,
        "came_from": _way_in.came_from(request, view) if is_get else "",
        "sign_in_error": None,
    }
    response.body = _pages.templates().get_template("error.html").render(context).encode()
    response.headers["Content-Length"] = str(len(response.body))
    return response


def _text(detail: Any) -> str:
    if isinstance(detail, list):
        detail = "; ".join(f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in detail)
    return str(detail).rstrip(".")
