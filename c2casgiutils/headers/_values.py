"""Header values, from a configuration to bytes."""

import re
from collections.abc import Mapping
from typing import Any

Header = str | list[str] | dict[str, str] | dict[str, list[str]] | None
"""The value of a header in a configuration; `None` removes the header."""

CSP_NONCE = "'nonce'"
"""Placeholder for `'nonce-<random>'` in a Content-Security-Policy; see `request.state.nonce`."""

CSP_HEADERS = frozenset({"content-security-policy", "content-security-policy-report-only"})

_COMMA_HEADERS = frozenset({"permissions-policy", "cache-control", "vary", "allow", "clear-site-data"})
_COMMA_PREFIXES = ("access-control-", "accept-")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def encode_name(name: object) -> bytes:
    """Return the name as lower-case bytes, as ASGI requires.

    Raises:
        TypeError: It is not a string.
        ValueError: It is not a token of RFC 9110 section 5.6.2.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a header must be a string, not {type(name).__name__}: {name!r}")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid header name")
    return name.lower().encode("ascii")


def encode_value(name: str, value: Header) -> bytes:
    """Return the bytes of a header's value.

    Surrounding blanks are removed: RFC 9110 section 5.5 forbids them, and strict servers reject them.

    Args:
        name: The name of the header, whose grammar determines how lists and dicts are joined.
        value: A string, a list or a dict; the caller handles `None`.

    Raises:
        TypeError: The value, or something in it, has an unsupported type.
        ValueError: It contains a control character, or one outside latin-1.
    """
    text = _render(name, value).strip(" \t")
    if _CONTROL.search(text):
        raise ValueError(f"the value of the header {name} has a control character: {text!r}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(
            f"the value of the header {name} has a character outside latin-1: {text!r}"
        ) from None


def _render(name: str, value: Any) -> str:
    lower = name.lower()
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _separator(lower).join(_strings(name, value))
    if isinstance(value, Mapping):
        return _separator(lower).join(
            _render_member(name, lower, key, member) for key, member in value.items()
        )
    raise TypeError(f"the header {name} must be a string, a list, a dict or None, not {type(value).__name__}")


def _separator(lower: str) -> str:
    """Return the separator of list members, RFC 9110 section 5.6.1 or section 5.6.6."""
    return ", " if lower in _COMMA_HEADERS or lower.startswith(_COMMA_PREFIXES) else "; "


def _render_member(name: str, lower: str, key: object, member: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the header {name} has a key that is not a string: {key!r}")
    if isinstance(member, list):
        text = " ".join(_strings(name, member))
        if lower == "permissions-policy" and not text.startswith("("):
            text = f"({text})"
    elif isinstance(member, str):
        text = member
    else:
        raise TypeError(f"the header {name} has under {key!r} neither a string nor a list: {member!r}")
    glue = " " if lower in CSP_HEADERS else "="
    return f"{key}{glue}{text}" if text else key


def _strings(name: str, values: list[Any]) -> list[str]:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"the header {name} has a list with an item that is not a string: {value!r}")
    return values
