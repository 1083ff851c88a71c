"""Protection against requests that a page of another site makes its visitor send."""

from fastapi import HTTPException, Request

from c2casgiutils.auth._model import AuthInfo, AuthMethod
from c2casgiutils.auth._sessions import BY_COOKIE
from c2casgiutils.auth._urls import normalise_origin, own_origin, request_origin

REFUSED = "Changes requested by other sites are refused"
_REFUSED_VIEW = "Other sites cannot request this with your session: enter the address instead"
_SPECULATIVE = "A prefetch signs nobody in or out and changes nothing: open the link instead"

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
# browsers send these automatically, whereas a key in a header is sent deliberately
_AMBIENT_METHODS = frozenset((AuthMethod.GITHUB_OAUTH, AuthMethod.TEST))
# the last two are those of older browsers
_PURPOSES = ("sec-purpose", "purpose", "x-moz")


def is_cross_site(request: Request) -> bool:
    """Return whether a page of another origin caused the request, according to the browser.

    `Sec-Fetch-Site` decides if it is present, since a page cannot forge it, while a form under
    `Referrer-Policy: no-referrer` has the origin `null`; otherwise `Origin` decides. A request with neither
    counts as one of a script, although over plain HTTP, except to the loopback, browsers send a GET so too
    (https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/).
    """
    sites = request.headers.getlist("sec-fetch-site")
    if sites:
        return any(site not in ("same-origin", "none") for site in sites)
    origins = request.headers.getlist("origin")
    if not origins:
        return False
    own = {own_origin(request), request_origin(request)}
    return any(normalise_origin(origin) not in own for origin in origins)


def is_caused_by_page(request: Request) -> bool:
    """Return whether a page of another origin caused the request without its visitor noticing.

    That is an image, a frame, a script or a `fetch` of that page, but not a link that replaces it, which the
    visitor sees (https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header).
    """
    if not is_cross_site(request):
        return False
    headers = request.headers
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not is_link


def refuse_speculation(request: Request) -> None:
    """Reject what a browser sends before its visitor opens the link: a prefetch or a prerender.

    Any page can cause it, and Chromium sends `Sec-Fetch-Site: none` even for a page of another site. Browsers
    drop an error, and send the request again when the visitor opens the link
    (https://fetch.spec.whatwg.org/#sec-purpose-header).

    Raises:
        HTTPException: 503.
    """
    purposes = (value for name in _PURPOSES for value in request.headers.getlist(name))
    if any(value.lower().startswith("prefetch") for value in purposes):
        raise HTTPException(503, _SPECULATIVE)


def refuse_cross_site_change(request: Request, auth_info: AuthInfo) -> None:
    """Reject changes that another site requests with the session of a browser.

    Raises:
        HTTPException: 403, or 503 for a prefetch.
    """
    if request.method not in _SAFE_METHODS:
        _refuse(request, auth_info, REFUSED)


def refuse_cross_site(request: Request, auth_info: AuthInfo) -> None:
    """Reject what another site requests with the session of a browser, also if it changes nothing.

    For views that cost something, or whose answer another site could use although it cannot read it.

    Raises:
        HTTPException: 403, or 503 for a prefetch.
    """
    _refuse(request, auth_info, _REFUSED_VIEW)


def _refuse(request: Request, auth_info: AuthInfo, text: str) -> None:
    has_session = auth_info.type in _AMBIENT_METHODS or request.scope.get(BY_COOKIE)
    if not has_session:
        return
    refuse_speculation(request)
    if is_cross_site(request):
        raise HTTPException(403, text)
