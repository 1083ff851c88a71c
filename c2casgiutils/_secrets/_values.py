"""Masking of secrets in texts and nested structures."""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

from c2casgiutils._secrets._forms import scrub_forms
from c2casgiutils._secrets._mask import MASK
from c2casgiutils._secrets._names import is_plural, is_secret_name
from c2casgiutils._secrets._pairs import scrub_pairs

_MIN_VALUE_LENGTH = 3
"""Shorter values are not searched for, as they would mask parts of ordinary words."""
_MAX_DEPTH = 32
_MAX_ENCODINGS = 4
"""How many times a part of a URL may be percent-encoded."""
_ENCODED = re.compile(r"""(?<![^\s&=?#"'<>%])[^\s&=?#"'<>%]*+(?:%[0-9A-Fa-f]{2}[^\s&=?#"'<>%]*+)++""")
_PLAIN = re.compile(r"(?:[^\w./:=,%>&+-]++|[\w./]{1,12}+(?![\w./]))*+", re.ASCII)
"""Words too short to be a secret by their form, without the signs of a name, an address or an encoding."""
_PUNCTUATION = "/:,;@!$()*+~[]"
_PAIR_LENGTH = 2
_QUERIES = frozenset({"query_string", "query", "http.query", "url.query"})
"""Keys whose text is a query without the question mark."""


def scrub(text: str, values: Iterable[str] = ()) -> str:
    """Return a text with the mask in place of each secret.

    It masks the values of names such as `password`, `X-API-Key` or `?code=` (in URLs, also percent-encoded
    ones, in headers, dictionaries and settings), the user of a URL, credentials after `Bearer` and `Basic`,
    JSON Web Tokens, private keys, and the tokens of well-known services.

    Args:
        text: Any text, of any length.
        values: Secrets to mask wherever they occur, also percent-encoded.
    """
    if values:
        return _scrub(text, _known(tuple(values)), _MAX_ENCODINGS)
    if _PLAIN.fullmatch(text) is not None:  # most texts are, and this costs less than all patterns
        lowered = text.lower()
        if "bearer" not in lowered and "basic" not in lowered:
            return text
    return _scrub(text, None, _MAX_ENCODINGS)


def _scrub(text: str, known: re.Pattern[str] | None, encodings: int) -> str:
    if known is not None:
        text = known.sub(MASK, text)
    text = scrub_pairs(scrub_forms(text))
    if "%" not in text or not encodings:
        return text
    return _ENCODED.sub(lambda match: _scrub_encoded(match[0], known, encodings - 1), text)


def _scrub_encoded(part: str, known: re.Pattern[str] | None, encodings: int) -> str:
    """Mask the secrets in the decoded part of a URL; without any, it stays as it is."""
    plain = unquote_plus(part)
    scrubbed = _scrub(plain, known, encodings)
    if scrubbed == plain:
        return part
    literal = "".join({letter for letter in part if letter in _PUNCTUATION})
    return quote(scrubbed, safe=MASK + literal, errors="replace")


def scrub_items(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers, cookies or parameters with secret values, and secrets within values, masked."""
    return [
        (name, MASK if value and is_secret_name(name, sent=True) else scrub(value)) for name, value in items
    ]


def scrub_mapping(
    value: Any,
    values: Iterable[str] = (),
    *,
    sent: bool = False,
    represent: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """Return a mapping or other structure with secrets masked in texts and under names of secrets.

    Pairs in lists, such as raw headers, and options of a command line are treated as names with values. A
    structure that contains itself is cut there.

    Args:
        value: Mappings, lists, texts, numbers; it is not modified.
        values: As for `scrub`.
        sent: Whether the keys are names sent by a client, see `is_secret_name`.
        represent: Called for values of other types.
    """
    return _Structure(tuple(values), represent, sent=sent).scrub(value, ())


class _Structure:
    def __init__(self, values: tuple[str, ...], represent: Callable[[Any], Any], *, sent: bool) -> None:
        self._values, self._represent, self._sent = values, represent, sent

    def scrub(self, value: Any, above: tuple[int, ...]) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return scrub(value, self._values)
        if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._represent(value)
        if len(above) > _MAX_DEPTH or id(value) in above:
            return MASK
        above = (*above, id(value))
        if isinstance(value, Mapping):
            return {self._key(key): self._item(key, item, above) for key, item in value.items()}
        return self._list(list(value), above)

    def _key(self, key: Any) -> Any:
        return scrub(key, self._values) if isinstance(key, str) else key

    def _item(self, key: Any, item: Any, above: tuple[int, ...]) -> Any:
        if self._hides(key, item):
            return MASK
        if key in _QUERIES and isinstance(item, str):
            return scrub(f"?{item}", self._values)[1:]
        return self.scrub(item, above)

    def _list(self, items: list[Any], above: tuple[int, ...]) -> list[Any]:
        is_pair = len(items) == _PAIR_LENGTH and isinstance(items[0], (str, bytes))
        scrubbed: list[Any] = []
        name: Any = None  # of the following item
        for item in items:
            scrubbed.append(MASK if name is not None and self._hides(name, item) else self.scrub(item, above))
            is_name = is_pair or (isinstance(item, str) and item.startswith("--") and "=" not in item)
            name = item if is_name and name is None else None
        return scrubbed

    def _hides(self, name: Any, value: Any) -> bool:
        """Return whether the name requires it; values that reveal nothing (None, flags, counts) stay."""
        if (
            value is None
            or isinstance(value, bool)
            or (not isinstance(value, (int, float)) and _is_empty(value))
        ):
            return False
        text = name if isinstance(name, str) else str(name)
        return is_secret_name(text, sent=self._sent) and not (
            isinstance(value, (int, float)) and is_plural(text)
        )


def _is_empty(value: Any) -> bool:
    return isinstance(value, (str, bytes, Mapping, list, tuple, set, frozenset)) and not value


@functools.lru_cache(maxsize=8)
def _known(values: tuple[str, ...]) -> re.Pattern[str] | None:
    looked_for = sorted((value for value in values if len(value) >= _MIN_VALUE_LENGTH), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, looked_for))) if looked_for else None
