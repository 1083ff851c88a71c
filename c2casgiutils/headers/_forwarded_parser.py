"""The `Forwarded` header of RFC 7239, parsed from the right.

The right end was written by the nearest proxy, while the left end may come from the client. Parsing from the
right ensures that nothing on the left, such as an unclosed quote, can change how the rest is read.
"""

import re
from collections.abc import Iterator

MAX_LENGTH = 8192
MAX_ELEMENTS = 50

_MARK = re.compile(r'[",]')
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PART = re.compile(rf'((?:{_QUOTED}|[^";])*)(?:;|\Z)')
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # a pattern
# More than a token, even if unquoted: many proxies write addresses and ports like this.
_PAIR = re.compile(rf'({_TOKEN})=(?:([^\x00-\x20\x7f"]+)|({_QUOTED}))')
_ESCAPED = re.compile(r"\\(.)")


def split_from_right(text: str) -> Iterator[str]:
    """Yield the elements from the right; commas in quoted strings are not separators."""
    end = len(text)
    is_quoted = False
    for mark in reversed(list(_MARK.finditer(text))):
        position = mark.start()
        if text[position] == '"':
            if not (is_quoted and _is_escaped(text, position)):
                is_quoted = not is_quoted
        elif not is_quoted:
            yield text[position + 1 : end]
            end = position
    yield text[:end]


def _is_escaped(text: str, position: int) -> bool:
    """Return whether the position is preceded by an odd number of backslashes."""
    first = position
    while first > 0 and text[first - 1] == "\\":
        first -= 1
    return (position - first) % 2 == 1


def parse_element(text: str) -> dict[str, str | None] | None:
    """Parse one element: `name=value` pairs separated by semicolons.

    Returns:
        The values without quotes by lower-case name, `None` for anything but a pair; or `None` for the whole
        element if a quote is unclosed or a name is repeated, which is ambiguous.
    """
    pairs: dict[str, str | None] = {}
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            return None
        position = part.end()
        pair = part[1].strip(" \t")
        if not pair:
            continue
        name = pair.partition("=")[0].rstrip(" \t").lower()
        if name in pairs:
            return None
        pairs[name] = _parse_value(pair)
    return pairs


def _parse_value(pair: str) -> str | None:
    match = _PAIR.fullmatch(pair)
    if match is None:
        return None
    _, bare, quoted = match.groups()
    return bare if bare is not None else _ESCAPED.sub(r"\1", quoted[1:-1])
