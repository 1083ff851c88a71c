"""Access of pages of other origins, with checked options."""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

from c2casgiutils._origins import is_bounded
from c2casgiutils.headers._errors import ErrorMiddleware

_LISTS = ("allow_origins", "allow_methods", "allow_headers", "expose_headers")


def check_cors(options: Mapping[str, Any]) -> None:
    """Check options of Starlette's `CORSMiddleware`.

    Args:
        options: Its keyword arguments.

    Raises:
        TypeError: An option is unknown, or a text where a list is needed.
        ValueError: `allow_credentials` is on, and other origins than named ones are allowed: every page on
            the web could act with the permissions of its visitor.
    """
    for name in _LISTS:
        if isinstance(options.get(name), str):
            # Starlette would look for an origin in the text, and allow any part of it.
            raise TypeError(f"cors: {name} must be a list, such as [{options[name]!r}], not a text")
    if options.get("allow_credentials"):
        _check_origins(options)
    CORSMiddleware(_nothing, **options)


def add_cors(app: Starlette, **options: Any) -> None:
    """Let pages of other origins use an application, by Starlette's `CORSMiddleware`.

    Pages of the allowed origins can read the answers to unhandled exceptions, too: `ErrorMiddleware` is added
    inside. `install(app, cors={...})` does the same in its place among the other middlewares.

    Args:
        app: The application, of FastAPI or Starlette, before it serves requests.
        options: Keyword arguments of `CORSMiddleware`: `allow_origins`, `allow_origin_regex`,
            `allow_methods`, `allow_headers`, `allow_credentials`, `expose_headers`, `max_age` (seconds for
            which browsers keep the answer to a preflight) and further ones of Starlette, see
            https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS.

    Raises:
        TypeError: An option is unknown, or a text where a list is needed.
        ValueError: `allow_credentials` is on, and other origins than named ones are allowed: every page on
            the web could act with the permissions of its visitor.
    """
    check_cors(options)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(CORSMiddleware, **options)


def _check_origins(options: Mapping[str, Any]) -> None:
    """Reject origins that would let any page act with the permissions of its visitor."""
    origins = options.get("allow_origins") or ()
    any_origin = next((origin for origin in ("*", "null") if origin in origins), None)
    if any_origin is not None:
        raise ValueError(
            f"cors with allow_credentials must list its origins, but allow_origins contains {any_origin!r}, "
            "which any page can have"
        )
    pattern = options.get("allow_origin_regex")
    if pattern and not is_bounded(pattern):
        raise ValueError(
            "cors with allow_credentials must list its origins, but allow_origin_regex matches others; "
            r"accepted are patterns such as https://(.+\.)?example\.com(:\d+)?, with their dots escaped"
        )


async def _nothing(_scope: object, _receive: object, _send: object) -> None:
    """Serve nothing: the application for a middleware that only checks its arguments."""
