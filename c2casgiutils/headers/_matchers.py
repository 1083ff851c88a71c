"""Matchers: rules of a configuration about responses, compiled to conditions and bytes."""

import difflib
import http
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from c2casgiutils.headers._documentation import PAGES
from c2casgiutils.headers._values import Header, encode_name, encode_value

_LOGGER = logging.getLogger(__name__)

_METHODS = frozenset(
    {
        *(method.value for method in http.HTTPMethod),
        *("QUERY", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH"),
    }
)
_DEPRECATED_HEADERS = frozenset(
    {
        *("expect-ct", "public-key-pins", "feature-policy", "pragma"),
        *("x-content-security-policy", "x-webkit-csp"),
    }
)
_DEPRECATED_DIRECTIVES = re.compile(
    r"(?:^|;)\s*(block-all-mixed-content|referrer|reflected-xss|plugin-types)\b(?!-)", re.IGNORECASE
)
# Anchors, flags and opening groups, then the slash: the first literal of the pattern is a slash.
_STARTS_WITH_SLASH = re.compile(
    r"(?:\^|\\A|\(\?[aiLmsux-]+\)|\(\?[aiLmsux-]*:|\(\?P<\w+>|\((?!\?))*(?:\\?/|\[/\])"
)


class HeaderMatcher(TypedDict, total=False):
    """Which responses get which headers; all given conditions must hold."""

    netloc_match: str | None
    """Regex for `re.match` on `host[:port]` of the request."""
    path_match: str | None
    """Regex for `re.match` on the path inside the application's root path.

    A pattern whose first literal is `/` sees the path with its leading slash, any other without it."""
    documentation: Literal["docs", "redoc"] | None
    """The documentation pages of the responding FastAPI application, whatever their paths.

    `docs` is Swagger UI with its sign-in page."""
    content_type_match: str | None
    """Regex for `re.match` on the Content-Type of the response, empty if there is none."""
    headers: dict[str, Header]
    """The headers to set, or to remove with `None`."""
    status_code: int | tuple[int, int] | None
    """A status, or the lowest and highest status of a range."""
    methods: list[str] | None
    """The methods of the request; GET includes HEAD."""
    order: int
    """Later matchers override earlier ones; 0 by default."""


class LibraryMatcher(dict[str, Any]):
    """A matcher of the library, overridden by headers that the endpoint sets."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled matcher."""

    is_library: bool
    order: int
    netloc: re.Pattern[str] | None
    path: re.Pattern[str] | None
    path_with_slash: bool
    documentation: str | None
    content_type: re.Pattern[str] | None
    statuses: tuple[int, int] | None
    methods: frozenset[str] | None
    headers: tuple[tuple[bytes, bytes | None], ...]

    @property
    def is_conditional(self) -> bool:
        """Return whether it depends on more than host and content type."""
        conditions = (self.path, self.documentation, self.statuses, self.methods)
        return any(condition is not None for condition in conditions)


def compile_matcher(name: str, matcher: Mapping[str, Any]) -> Rule:
    """Compile a matcher.

    Args:
        name: Its name in the configuration, for error messages.
        matcher: A `HeaderMatcher`.

    Raises:
        TypeError: Something in it has an unsupported type.
        ValueError: A regex, status, method, header name or header value in it is invalid.
    """
    if not isinstance(matcher, Mapping):
        raise TypeError(f"the matcher {name!r} must be a dict, not {type(matcher).__name__}")
    try:
        _warn_unknown_keys(name, matcher)
        path = matcher.get("path_match")
        return Rule(
            is_library=isinstance(matcher, LibraryMatcher),
            order=_check_order(matcher.get("order", 0)),
            netloc=_compile_regex("netloc_match", matcher.get("netloc_match")),
            path=_compile_regex("path_match", path),
            path_with_slash=path is not None and _STARTS_WITH_SLASH.match(path) is not None,
            documentation=_check_documentation(matcher.get("documentation")),
            content_type=_compile_regex("content_type_match", matcher.get("content_type_match")),
            statuses=_compile_statuses(matcher.get("status_code")),
            methods=_compile_methods(matcher.get("methods")),
            headers=_compile_headers(name, matcher.get("headers")),
        )
    except (TypeError, ValueError) as error:
        raise type(error)(f"the matcher {name!r}: {error}") from error


def _check_order(order: object) -> int:
    if not isinstance(order, int):
        raise TypeError(f"order must be an integer, not {order!r}")
    return order


def _check_documentation(page: object) -> str | None:
    if page is not None and page not in PAGES:
        raise ValueError(f"documentation must be one of {', '.join(PAGES)}, not {page!r}")
    return page


def _warn_unknown_keys(name: str, matcher: Mapping[str, Any]) -> None:
    known = HeaderMatcher.__annotations__
    for key in matcher:
        if key in known:
            continue
        nearest = difflib.get_close_matches(str(key), known, n=1, cutoff=0)
        _LOGGER.warning("The matcher %r has the unknown key %r, did you mean %r?", name, key, nearest[0])


def _compile_regex(key: str, pattern: object) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    if not isinstance(pattern, str):
        raise TypeError(f"{key} must be a string, not {type(pattern).__name__}")
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{key} is not a regular expression: {pattern!r}: {error}") from error


def _compile_statuses(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    pair = (value, value) if isinstance(value, int) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:  # noqa: PLR2004  # a pair
        raise TypeError(f"status_code must be an integer or a pair of integers, not {value!r}")
    low, high = pair
    if not all(isinstance(status, int) and not isinstance(status, bool) for status in (low, high)):
        raise TypeError(f"status_code must be an integer or a pair of integers, not {value!r}")
    if not 100 <= low <= high <= 599:  # noqa: PLR2004  # RFC 9110, 15
        raise ValueError(f"status_code must be between 100 and 599, the lower one first, not {value!r}")
    return low, high


def _compile_methods(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, (Sequence, set, frozenset)) or isinstance(value, (str, bytes)):
        raise TypeError(f"methods must be a list of strings, not {value!r}")
    methods = frozenset(str(method).upper() for method in value)
    if unknown := sorted(methods - _METHODS):
        raise ValueError(
            f"methods contains {', '.join(unknown)}; known methods are {', '.join(sorted(_METHODS))}"
        )
    # The header fields of HEAD are those of GET, RFC 9110 section 9.3.2.
    return methods | {"HEAD"} if "GET" in methods else methods


def _compile_headers(matcher_name: str, headers: object) -> tuple[tuple[bytes, bytes | None], ...]:
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a dict, not {type(headers).__name__}")
    compiled = []
    for name, value in headers.items():
        raw_name = encode_name(name)
        raw_value = None if value is None else encode_value(name, value)
        if raw_value is not None:
            _warn_deprecated(matcher_name, raw_name.decode(), raw_value.decode("latin-1"))
        compiled.append((raw_name, raw_value))
    return tuple(compiled)


def _warn_deprecated(matcher_name: str, name: str, value: str) -> None:
    if name in _DEPRECATED_HEADERS or (name == "x-xss-protection" and value != "0"):
        _LOGGER.warning("The matcher %r sets %s, which browsers ignore: remove it", matcher_name, name)
    if name.startswith("content-security-policy"):
        for directive in _DEPRECATED_DIRECTIVES.findall(value):
            _LOGGER.warning(
                "The matcher %r sets the directive %s of %s, which browsers no longer support",
                matcher_name,
                directive,
                name,
            )
