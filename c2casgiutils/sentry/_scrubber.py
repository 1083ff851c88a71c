"""Take secrets out of the events before they leave."""

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from c2casgiutils.config import MASK, MaskedStr

_MIN_LENGTH = 4
"""A shorter secret is not looked for in texts: it would hide ordinary words."""
_MAX_DEPTH = 16
_PAIR = 2
_NOT_LOOKED_AT = {"modules", "sdk"}
_WORDS = (
    r"auth(?!ors?$|ority$)|cookie|passw|secret|token|credential|session|api.?key|private.?key|csrf|xsrf|jwt"
    r"|signature|(?<![a-z])dsn"
)
_LIKE = rf"[\w.-]{{0,64}}?(?:{_WORDS})[\w.-]{{0,64}}"  # bounded: the text is what clients send
_NAME = re.compile(_WORDS, re.IGNORECASE)
_QUOTED = r"'[^']*(?:'|$)|\"[^\"]*(?:\"|$)"
_ENCODED = "%(?:25){0,4}"
_BYTES = re.compile(r"b(['\"])(.*)\1", re.DOTALL)
_IN_TEXT = (
    # a parameter of a query string, also of an address that is the value of another one; a keyword argument
    re.compile(
        rf"((?:^|[?&\s'\"(,]|{_ENCODED}(?:3F|26))(?:{_LIKE}|code|state)(?:=|{_ENCODED}3D)b?)"
        rf"({_QUOTED}|[^&\s'\"#]+)",
        re.IGNORECASE,
    ),
    # a header or a setting, of names that begin no sentence
    re.compile(r"(\b(?:x-api-key|api.?key|passw(?:or)?d|secret)\s?:\s?)([^\s'\",;]+)", re.IGNORECASE),
    # an item in the text of a dictionary or of a list of pairs, perhaps cut at its end
    re.compile(rf"(['\"]{_LIKE}['\"]\s{{0,9}}[:,]\s{{0,9}}b?)({_QUOTED})", re.IGNORECASE),
    # the user information of an address
    re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,30}://)([^/\s@'\"]{1,500})(?=@)"),
    # the credentials of an Authorization header
    re.compile(r"(\b(?:bearer|basic)\s+)([\w.~+/=-]{8,})", re.IGNORECASE),
    # tokens of GitHub and our cookies, whatever the variable is called
    re.compile(r"(\bgh[a-z]_|\bgithub_pat_)(\w{16,255})"),
    re.compile(r"(\beyJ)([\w-]{8,8192}\.[\w-]{8,8192}\.[\w-]{0,1024})"),
)


def secrets_of(value: Any) -> Iterator[str]:
    """Every secret of a settings object, those in groups, lists and dictionaries too."""
    if isinstance(value, MaskedStr):
        yield str(value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_of(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from secrets_of(item)


class Scrubber:
    """Hides secrets everywhere in an event: an `event_scrubber` of the SDK.

    Hidden are the given values wherever they stand, the values of keys that are named like a secret (also in
    lists of pairs, as raw headers are), credentials in addresses and in query strings; personal data as the
    SDK does it.

    Args:
        values: Secrets that are hidden by their value.
        send_default_pii: Personal data such as addresses may leave.
    """

    def __init__(self, values: Iterable[str] = (), *, send_default_pii: bool = False) -> None:
        known = sorted({value for value in values if len(value) >= _MIN_LENGTH}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None
        self._send_default_pii = send_default_pii

    def scrub_event(self, event: Any) -> None:
        """Hide the secrets of an event, in place."""
        from sentry_sdk.scrubber import EventScrubber  # noqa: PLC0415  on first use

        EventScrubber(recursive=True, send_default_pii=self._send_default_pii).scrub_event(event)
        for key in event.keys() - _NOT_LOOKED_AT:
            event[key] = self._scrubbed(event[key], ())

    def _scrubbed(self, value: Any, above: tuple[int, ...]) -> Any:
        if value is None or isinstance(value, (bool, int, float, datetime.datetime)) or _is_done(value):
            return value
        if isinstance(value, str):
            return self._text(value)
        if len(above) > _MAX_DEPTH or id(value) in above:  # it contains itself
            return MASK
        if isinstance(value, Mapping):
            return {
                key: MASK if _is_secret(key, item) else self._scrubbed(item, (*above, id(value)))
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._items(list(value), (*above, id(value)))
        return self._text(_representation(value))  # the SDK would show the same, after us

    def _items(self, items: list[Any], above: tuple[int, ...]) -> list[Any]:
        if len(items) == _PAIR and isinstance(items[0], (str, bytes)) and _is_secret(items[0], items[1]):
            return [items[0], MASK]
        return [self._scrubbed(item, above) for item in items]

    def _text(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(MASK, text)
        for pattern in _IN_TEXT:
            text = pattern.sub(rf"\1{MASK}", text)
        return text


def _is_done(value: Any) -> bool:
    """Return whether the SDK replaced the value: it marks so what it removed."""
    from sentry_sdk._types import AnnotatedValue  # noqa: PLC0415  on first use

    return isinstance(value, AnnotatedValue)


def _is_secret(name: Any, value: Any) -> bool:
    """Return whether the name says so; what says nothing by itself (None, flags, groups of values) stays."""
    if value is None or isinstance(value, (bool, Mapping)):
        return False
    text = str(name)
    match = _BYTES.fullmatch(text)
    return _NAME.search(match[2] if match else text) is not None


def _representation(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # any object may fail so, the event must leave
        return f"<{type(value).__name__}>"
