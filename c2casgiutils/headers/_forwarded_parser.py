"""The `Forwarded` header of RFC 7239, read from the right.

The right end was written by the nearest proxy, the left end may come from the client. So the list is taken
apart from the right: nothing that stands on the left, an open quote say, changes what is read on its right.
"""

import re
from collections.abc import Iterator

LONGEST = 8192
MOST_ELEMENTS = 50

_MARK = re.compile(r'[",]')
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # a pattern
_QUOTED = r'"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)"'
_PAIR = re.compile(rf"[ \t]*(?:({_TOKEN})=(?:({_TOKEN})|{_QUOTED})[ \t]*)?(?:;|\Z)")
_ESCAPED = re.compile(r"\\(.)")


def split_from_right(text: str) -> Iterator[str]:
    """Give the elements of the list, the right-most first; commas inside quoted strings separate nothing."""
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
    """Return whether an odd number of backslashes stands before the position."""
    first = position
    while first > 0 and text[first - 1] == "\\":
        first -= 1
    return (position - first) % 2 == 1


def parse_element(text: str) -> dict[str, str] | None:
    """Parse one element: `name=value` pairs separated by semicolons.

    White space is allowed around semicolons and nowhere else; names are in lower case in the result.

    Returns:
        The values without their quotes, or `None` when there is a syntax error or a name stands there twice.
    """
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            return None
        position = match.end()
        name, token, quoted = match.groups()
        if name is None:
            continue
        name = name.lower()
        if name in pairs:
            return None
        pairs[name] = token if token is not None else _ESCAPED.sub(r"\1", quoted)
    return pairs
