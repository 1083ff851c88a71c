"""Cookies on any response, including errors and responses created by the view itself."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from c2casgiutils import config
from c2casgiutils._asgi import PendingCookies, raw_cookies
from c2casgiutils._errors import C2cError
from c2casgiutils.auth import _urls

_SCOPE_KEY = "c2casgiutils.auth._cookies"
_MAX_TRIED = 50
_MAX_CLEARED = 10
_MAX_LENGTH = 4096
_PREFIXES = ("__Host-", "__Secure-")


class CookieTooLargeError(C2cError, ValueError):
    """The cookie is larger than browsers accept."""


class CookieMiddleware(PendingCookies):
    """Add the cookies that were set or cleared during a request to its response, including error responses.

    Without it, FastAPI drops them if a view returns its own response or raises an error.

    Args:
        app: The application.
    """

    key = _SCOPE_KEY


async def carry(request: Request, response: Response) -> AsyncIterator[None]:
    """Dependency that keeps the cookies when the view raises an `HTTPException`."""
    try:
        yield
    except HTTPException as error:
        if _SCOPE_KEY not in request.scope:
            error.headers = _with_cookies(error.headers, response)
        raise


def _with_cookies(headers: Any, response: Response) -> Any:
    cookies = response.headers.getlist("set-cookie")
    if not cookies:
        return headers
    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    # the only mapping that can hold a name twice
    return Headers(raw=[*given, *raw_cookies(cookies)])


def copy_to(answer: Response, response: Response) -> Response:
    """Copy the cookies of the injected response to the one that the view returns."""
    for cookie in response.headers.getlist("set-cookie"):
        answer.headers.append("set-cookie", cookie)
    return answer


def is_secure() -> bool:
    """Return whether cookies are only sent over HTTPS."""
    return config.settings.auth.jwt.cookie.secure and not config.settings.http


def may_be_lost(request: Request) -> bool:
    """Return whether the browser may drop our cookies, because they are `Secure` and it uses plain HTTP.

    Browsers make an exception only for loopback addresses
    (https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#secure).
    """
    return is_secure() and request.scope["scheme"] == "http"


def effective_name(name: str) -> str:
    """Return the name of a cookie; over plain HTTP without the prefixes that require HTTPS."""
    if is_secure():
        return name
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def values_of(request: Request, name: str) -> list[str]:
    """Return the values of the cookies with a name: a browser sends one for each matching path."""
    return [value for _, value in itertools.islice(_select(request, name.__eq__), _MAX_TRIED)]


def starting_with(request: Request, prefix: str) -> list[tuple[str, str]]:
    """Return names and values of the cookies whose names start with a text."""
    return list(itertools.islice(_select(request, lambda name: name.startswith(prefix)), _MAX_TRIED))


def _select(request: Request, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    for header in request.headers.getlist("cookie"):
        for part in header.split(";"):
            name, _, value = part.partition("=")
            if is_wanted(name.strip()):
                yield name.strip(), value.strip().strip('"')


def put(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    path: str,
    age_seconds: int,
    same_site: str,
) -> None:
    """Set a cookie (RFC 6265), replacing one that was set with the same name and path during this request.

    Raises:
        CookieTooLargeError: The cookie is larger than browsers accept.
    """
    if len(name) + len(value) > _MAX_LENGTH:
        raise CookieTooLargeError(f"The cookie {name} has more than {_MAX_LENGTH} bytes")
    if name.startswith("__Host-"):
        path = "/"
    secure = "; Secure" if is_secure() else ""
    cookie = f"{name}={value}; HttpOnly; Max-Age={age_seconds}; Path={path}; SameSite={same_site}{secure}"
    pending = request.scope.get(_SCOPE_KEY)
    set_before = response.headers.getlist("set-cookie") if pending is None else pending
    place = f"; Path={path}; "
    cookies = [each for each in set_before if not (each.startswith(f"{name}=") and place in each)]
    cookies.append(cookie)
    if pending is not None:
        pending[:] = cookies
        return
    del response.headers["set-cookie"]
    for each in cookies:
        response.headers.append("set-cookie", each)


def clear(request: Request, response: Response, name: str, *, path: str, same_site: str) -> None:
    """Tell the browser to delete a cookie."""
    put(request, response, name, "", path=path, age_seconds=0, same_site=same_site)


def clear_below(request: Request, response: Response, name: str, *, path: str, same_site: str) -> None:
    """Tell the browser to delete the cookies of a name that it sends before the one of a path.

    They are those of longer paths, which only our own views see. The cookie of a shorter path may belong to
    another application.
    """
    if name.startswith("__Host-"):
        return  # there is one only, for all paths
    for longer in _paths_below(path, _urls.request_path(request)):
        clear(request, response, name, path=longer, same_site=same_site)


def _paths_below(path: str, request_path: str) -> list[str]:
    """Return the longer cookie paths that match the path of a request (RFC 6265, section 5.1.4)."""
    ends = [end for end, letter in enumerate(request_path) if letter == "/"]
    paths = [request_path[:cut] for end in ends for cut in (end, end + 1)]
    below = dict.fromkeys(each for each in [*paths, request_path] if len(each) > len(path))
    return list(below)[:_MAX_CLEARED]
