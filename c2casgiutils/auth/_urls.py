"""URLs: our own origin, the mount, the index page, the callback, and where a browser returns to."""

import posixpath
import re
from urllib.parse import quote, unquote, urlsplit

from fastapi import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound

from c2casgiutils import config
from c2casgiutils._asgi import LEGACY_PATHS
from c2casgiutils._errors import C2cError

_NETLOC = re.compile(r"(?:[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PATH_LETTERS = "/:@!$&'()*+=~"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_MAX_LENGTH = 2048
_ABSOLUTE = re.compile(r"(https?://[A-Za-z0-9_.:\[\]-]+)([/?#].*)?", re.IGNORECASE | re.ASCII | re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\ufffd\ud800-\udfff]")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)
_PARTS = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_SIGN_IN = re.compile(r"(?:/auth/(?:login|logout)|(?:/auth/github/|/github-)(?:login|callback|logout))/?")


def normalise_origin(origin: str) -> str:
    """Return an origin in lower case, without the default port of its scheme."""
    origin = origin.lower()
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], "")) if origin else origin


def request_origin(connection: HTTPConnection) -> str:
    """Return the origin that the request was sent to, with forwarded headers applied.

    Raises:
        HTTPException: 400 if the host is not valid.
    """
    host = connection.headers.get("host", "")
    if not _NETLOC.fullmatch(host):
        raise HTTPException(400, "The host of the request is not valid")
    return normalise_origin(f"{connection.scope['scheme']}://{host}")


def own_origin(connection: HTTPConnection) -> str:
    """Return the public origin from the settings, or else that of the request."""
    public = config.settings.auth.public_url
    if not public:
        return request_origin(connection)
    parts = urlsplit(public)
    return normalise_origin(f"{parts.scheme}://{parts.netloc}")


def _public_path(path: str) -> str:
    """Return a path as browsers see it: below the path of the public URL, which a proxy may remove."""
    base = urlsplit(config.settings.auth.public_url or "").path.rstrip("/")
    if path.startswith("//"):
        # a mount with a parameter can start like this, and a browser would read the first part as a host
        path = f"/{path.lstrip('/')}"
    return path if f"{path}/".startswith(f"{base}/") else f"{base}{path}"


def request_path(connection: HTTPConnection) -> str:
    """Return the encoded path of the request, which is safe in a cookie and a page."""
    return _public_path(quote(connection.scope["path"], safe=_PATH_LETTERS))


def mount_path(connection: HTTPConnection) -> str:
    """Return the path of our mount, at least `/`; it is also the path of the cookies."""
    root = quote(connection.scope.get("root_path", "").rstrip("/"), safe=_PATH_LETTERS)
    return _public_path(root) or "/"


def views_path(connection: HTTPConnection) -> str:
    """Return the path before `/auth/...`, for a request to one of these views."""
    return request_path(connection).rpartition("/auth/")[0]


def index_path(connection: HTTPConnection) -> str:
    """Return the path of the index page of this mount (there may be several), or of the mount without one."""
    try:
        path = str(connection.app.url_path_for("c2c_index"))
    except (NoMatchFound, KeyError):
        path = "/"
    return f"{mount_path(connection).rstrip('/')}{path}"


def mount_url(connection: HTTPConnection) -> str:
    """Return the URL of the index page, which those of the other views start with.

    Raises:
        HTTPException: 400 if the host of the request is not valid.
    """
    return f"{own_origin(connection)}{index_path(connection)}"


def github_path(connection: HTTPConnection) -> str:
    """Return the path of the views for the sign-in with GitHub, for a request to one of our views."""
    return f"{views_path(connection)}/auth/github"


def callback_url(connection: HTTPConnection) -> str:
    """Return the URL of the OAuth callback, which GitHub compares with the one that is registered there."""
    is_legacy = connection.scope.get(LEGACY_PATHS, False)
    path = "/github-callback" if is_legacy else "/auth/github/callback"
    return f"{own_origin(connection)}{views_path(connection)}{path}"


class BadCameFromError(C2cError, ValueError):
    """A URL that we do not redirect a browser to."""


def safe_came_from(value: str, origin: str, mount: str) -> str:
    """Check where a browser returns to, and reduce the URL to its path, query and fragment.

    The URL is parsed here, as strictly as a redirect requires: lenient parsers and browsers differ in exactly
    those details that attackers use (https://url.spec.whatwg.org/).

    Args:
        value: The path, or a URL on our own origin.
        origin: Our own origin, for example `https://app.example.com`.
        mount: The path before `/auth/...`, whose sign-in and sign-out views are not accepted.

    Raises:
        BadCameFromError: The URL leaves our origin, or might do so in some browser.
    """
    if len(value) > _MAX_LENGTH:
        raise BadCameFromError(f"more than {_MAX_LENGTH} characters")
    if _FORBIDDEN.search(value) or _ENCODED_CONTROL.search(value):
        raise BadCameFromError("characters that are not allowed")
    path, query, fragment = _split(_strip_origin(value, origin))
    path = _without_dots(path)
    if not path.startswith("/") or path.startswith("//"):
        raise BadCameFromError("not a path of this site")
    if _SIGN_IN.fullmatch(_decode(path).removeprefix(_decode(mount))):
        raise BadCameFromError("a view that signs in or out")
    return (
        quote(path, safe="/:@!$&'()*+,;=-._~%")
        + quote(query, safe="/:@!$&'()*+,;=-._~%?")
        + quote(fragment, safe="/:@!$&'()*+,;=-._~%?#")
    )


def _strip_origin(value: str, origin: str) -> str:
    if value.startswith("/"):
        return value
    match = _ABSOLUTE.fullmatch(value)
    if match is None or normalise_origin(match[1]) != origin:
        raise BadCameFromError("not an address of this site")
    rest = match[2] or "/"
    return rest if rest.startswith("/") else f"/{rest}"


def _split(rest: str) -> tuple[str, str, str]:
    match = _PARTS.fullmatch(rest)
    path, query, fragment = match.groups("") if match else (rest, "", "")
    for part in (path, query, fragment):
        _decode(part)
    return path, query, fragment


def _decode(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise BadCameFromError("not UTF-8") from None


def _without_dots(path: str) -> str:
    """Remove `.` and `..`, including their encoded forms, like a browser; keep empty segments."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        plain = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
        if plain not in (posixpath.curdir, posixpath.pardir):
            kept.append(segment)
            continue
        if plain == posixpath.pardir and kept:
            kept.pop()
        if index == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)
