"""Where a browser goes back to after it signed in or out: nowhere but to our own origin.

The address is taken apart by hand, as strictly as a redirect needs, because a lenient parser and a browser
differ in just the places that attackers use (https://url.spec.whatwg.org/).
"""

import posixpath
import re
from urllib.parse import quote, unquote

from c2casgiutils._errors import C2cError
from c2casgiutils.auth._urls import normalise_origin

_LONGEST = 2048
_ABSOLUTE = re.compile(r"(https?://[A-Za-z0-9_.:\[\]-]+)([/?#].*)?", re.IGNORECASE | re.ASCII | re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\ufffd\ud800-\udfff]")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)
_PARTS = re.compile(r"([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_SIGN_IN = re.compile(r"/auth/(?:login|logout|github/(?:login|callback|logout))/?")


class BadCameFromError(C2cError, ValueError):
    """An address that we do not send a browser to."""


def safe_came_from(value: str, origin: str, mount: str) -> str:
    """Check an address and reduce it to its path, query and fragment.

    Args:
        value: The path, or the address on our own origin.
        origin: Our own origin, as `https://app.example.com`.
        mount: The path in front of `/auth/...`, whose views that sign in and out are no place to go back to.

    Raises:
        BadCameFromError: It leaves our origin, or might in some browser.
    """
    if len(value) > _LONGEST:
        raise BadCameFromError(f"more than {_LONGEST} characters")
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
    """Remove `.` and `..` as a browser does, which also knows their encoded forms; empty segments stay."""
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
