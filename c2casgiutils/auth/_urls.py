"""Where things are: our own origin, the mount, the index page, the callback."""

import re
from urllib.parse import quote, urlsplit

from fastapi import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound

from c2casgiutils import config

_NETLOC = re.compile(r"(?:[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PATH_LETTERS = "/:@!$&'()*+=~"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def normalise_origin(origin: str) -> str:
    """An origin in lower case without the default port of its scheme."""
    origin = origin.lower()
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], "")) if origin else origin


def request_origin(connection: HTTPConnection) -> str:
    """The origin that the request was sent to, after the forwarded headers.

    Raises:
        HTTPException: 400 when the host is not the name of one.
    """
    host = connection.headers.get("host", "")
    if not _NETLOC.fullmatch(host):
        raise HTTPException(400, "The host of the request is not valid")
    return normalise_origin(f"{connection.scope['scheme']}://{host}")


def own_origin(connection: HTTPConnection) -> str:
    """The public origin of the settings, else that of the request."""
    public = config.settings.auth.public_url
    if not public:
        return request_origin(connection)
    parts = urlsplit(public)
    return normalise_origin(f"{parts.scheme}://{parts.netloc}")


def _public_path(path: str) -> str:
    """A path as browsers know it: below that of the public address, which a proxy may have taken off."""
    base = urlsplit(config.settings.auth.public_url or "").path.rstrip("/")
    if path.startswith("//"):
        # a mount with a parameter can begin so, and a browser would read a host
        path = f"/{path.lstrip('/')}"
    return path if f"{path}/".startswith(f"{base}/") else f"{base}{path}"


def request_path(connection: HTTPConnection) -> str:
    """The path of the request as it is in an address, which fits into a cookie and a page."""
    return _public_path(quote(connection.scope["path"], safe=_PATH_LETTERS))


def mount_path(connection: HTTPConnection) -> str:
    """The path that our views are under, `/` at least; it is the path of the cookies."""
    root = quote(connection.scope.get("root_path", "").rstrip("/"), safe=_PATH_LETTERS)
    return _public_path(root) or "/"


def views_path(connection: HTTPConnection) -> str:
    """The path in front of `/auth/...` for a request to one of these views."""
    return request_path(connection).rpartition("/auth/")[0]


def index_path(connection: HTTPConnection) -> str:
    """The path of the page of this mount (there may be several), or of the mount where there is no page."""
    try:
        path = str(connection.app.url_path_for("c2c_index"))
    except (NoMatchFound, KeyError):
        path = "/"
    return f"{mount_path(connection).rstrip('/')}{path}"


def callback_path(connection: HTTPConnection) -> str:
    """The path that GitHub sends the browser back to, for a request to one of the views of this package."""
    return f"{views_path(connection)}/auth/github/callback"


def callback_url(connection: HTTPConnection) -> str:
    """The address that GitHub sends the browser back to."""
    return f"{own_origin(connection)}{callback_path(connection)}"
