"""Removal of credentials from what leaves the process."""

import re
from collections.abc import Iterable
from typing import Any

_MASK = "***"
_SECRET_NAME = re.compile(
    r"passw(or)?d|passwd|pwd|passphrase|secret|token|api.?key|access.?key|private.?key|credential|dsn|authorization"
    r"|cookie|signature",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.\-]*://)[^\s\"'<>]*@", re.IGNORECASE)
_PAIR = re.compile(
    r"(?P<key>[\w.\-]*(?:" + _SECRET_NAME.pattern + r")[\w.\-]*[\"']?\s*(?:=>|[=:])\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?:bearer\s+|basic\s+)?[^\s,;&\"'<>()\[\]{}]+)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<scheme>bearer|basic)\s+[a-z0-9+/=._~\-]{6,}", re.IGNORECASE)
_KNOWN_TOKENS = re.compile(
    r"\bgh[a-z]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\beyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*"
)


def scrub_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask the given strings, credentials in URLs, `password=...` and its like, and well-known tokens."""
    for secret in secrets:
        if len(secret) >= 3:  # noqa: PLR2004  a shorter one would mask ordinary text
            text = text.replace(secret, _MASK)
    text = _USERINFO.sub(rf"\g<scheme>{_MASK}@", text)
    text = _SCHEME.sub(rf"\g<scheme> {_MASK}", text)
    text = _PAIR.sub(rf"\g<key>{_MASK}", text)
    return _KNOWN_TOKENS.sub(_MASK, text)


def scrub(value: Any, secrets: Iterable[str] = ()) -> Any:
    """The same for a JSON value: each string in it, and whatever stands under a key like `password`."""
    secrets = tuple(secrets)
    if isinstance(value, str):
        return scrub_text(value, secrets)
    if isinstance(value, list):
        return [scrub(item, secrets) for item in value]
    if isinstance(value, dict):
        return {
            scrub_text(key, secrets): _MASK
            if isinstance(item, str) and item and _SECRET_NAME.search(key)
            else scrub(item, secrets)
            for key, item in value.items()
        }
    return value
