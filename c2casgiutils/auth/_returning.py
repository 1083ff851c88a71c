"""Where a browser returns to after it signed in or out, by redirects that no proxy needs to rewrite."""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlencode

from fastapi import Request
from starlette.responses import RedirectResponse

from c2casgiutils.auth import _urls
from c2casgiutils.auth._urls import BadCameFromError

# the name of a view, or nothing for the index page, and its query
_RELATIVE = re.compile(r"(?!/)[A-Za-z0-9_/-]*(?:[?#].*)?", re.DOTALL)
# what is around the path of a URL
_PATH_OF_URL = re.compile(r"\A[a-z]+://[^/?#]*|[?#].*\Z", re.IGNORECASE | re.DOTALL)


def target_of(request: Request, values: Sequence[str]) -> str:
    """Return where to redirect a browser to.

    Args:
        request: The request.
        values: The values of `came_from`: a path of this site, its URL, or a view of this mount, for example
            `levels?q=orders`. Without a value it is the index page.

    Raises:
        BadCameFromError: The target leaves our origin, or there are two.
    """
    if not any(values):
        return _urls.index_path(request)
    if len(values) > 1:
        raise BadCameFromError("given twice")
    value = values[0]
    if _RELATIVE.fullmatch(value):
        value = f"{_urls.index_path(request)}{value}"
    return _urls.safe_came_from(value, _urls.own_origin(request), _urls.views_path(request))


def redirect(request: Request, target: str, **parameters: str) -> RedirectResponse:
    """Redirect a browser to a path of this site by a relative reference (RFC 9110, 10.2.2).

    It stays below the prefix that a proxy may strip without telling.

    Args:
        request: The request.
        target: The path, with a query and a fragment perhaps.
        parameters: Added to the query.
    """
    address, mark, fragment = _relative(target, _urls.request_path(request)).partition("#")
    if parameters:
        address += f"{'&' if '?' in address else '?'}{urlencode(parameters)}"
    return RedirectResponse(f"{address}{mark}{fragment}", 303)


def _relative(target: str, path: str) -> str:
    """Return a reference to a path, relative to another one (RFC 3986, 4.2)."""
    own, wanted = path.split("/")[:-1], re.split("[?#]", target, maxsplit=1)[0].split("/")[:-1]
    common = 0
    while common < min(len(own), len(wanted)) and unquote(own[common]) == unquote(wanted[common]):
        common += 1
    ups = "../" * (len(own) - common)
    rest = target[sum(len(segment) + 1 for segment in wanted[:common]) :]
    # a first segment could look like a scheme, or be empty, which is the page that redirects
    return f"{ups or './'}{rest}"


def browser_directory(request: Request) -> str | None:
    """Return the path of this mount as the browser knows it, for what a page of it sends to `/auth/...`.

    It is longer than our own if a proxy strips a prefix without telling. The `Referer` shows it.
    """
    mount = _urls.views_path(request)
    path = _PATH_OF_URL.sub("", request.headers.get("referer", ""))
    directory = quote(unquote(path), safe="/:@!$&'()*+=~").rpartition("/")[0]
    return directory if mount and directory.endswith(mount) else None
