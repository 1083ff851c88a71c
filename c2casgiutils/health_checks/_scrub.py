"""Removal of credentials from what leaves the process."""

import re
from collections.abc import Iterable
from typing import Any

_MASK = "***"
_LONGEST = 65_536
# every repetition is bounded: a text made to be slow must not block the event loop
_SECRET_NAME = re.compile(
    r"passw(or)?d|pwd|passphrase|secret|token|api.?key|access.?key|private.?key|credential|dsn|authorization"
    r"|cookie|signature",
    re.IGNORECASE,
)
_USERINFO = re.compile(
    r"(?P<scheme>(?<![a-z0-9+.\-/])[a-z][a-z0-9+.\-]{0,40}://)[^\s\"'<>]{1,1024}@", re.IGNORECASE
)
_PAIR = re.compile(
    r"(?P<key>(?:" + _SECRET_NAME.pattern + r")[\w.\-]{0,40}[\"']?\s{0,8}(?:=>|[=:])\s{0,8})"
    r"(?P<value>\"(?:[^\"\\]|\\.){0,2048}\"|'(?:[^'\\]|\\.){0,2048}'"
    r"|(?:bearer\s{1,8}|basic\s{1,8})?[^\s,;&\"'<>()\[\]{}]{1,4096})",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?P<scheme>bearer|basic)\s{1,8}[a-z0-9+/=._~\-]{6,4096}", re.IGNORECASE)
_KNOWN_TOKENS = re.compile(
    r"\bgh[a-z]_[A-Za-z0-9]{20,255}|\bgithub_pat_\w{20,255}"
    r"|(?<![\w\-])eyJ[\w\-]{8,1024}\.[\w\-]{8,1024}\.[\w\-]{0,1024}"
)


def scrub_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask the given strings, credentials in URLs, `password=...` and its like, and well-known tokens.

    A text longer than 65,536 characters is cut.
    """
    if len(text) > _LONGEST:  # not within a word, which could be half a URL
        text = text[:_LONGEST].rpartition(" ")[0]
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
            scrub_text(key, secrets): _MASK if _is_secret(key, item) else scrub(item, secrets)
            for key, item in value.items()
        }
    return value


def _is_secret(key: str, value: Any) -> bool:
    """By the name; a number of tokens is none."""
    if isinstance(value, bool) or value in (None, "", [], {}) or not _SECRET_NAME.search(key):
        return False
    return not (isinstance(value, int | float) and "token" in key.lower())
