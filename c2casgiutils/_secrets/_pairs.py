"""Named values in any text: queries, headers, dictionaries, settings."""

import re
from urllib.parse import unquote_plus

from c2casgiutils._secrets._marked import scrub_marked
from c2casgiutils._secrets._mask import MASK
from c2casgiutils._secrets._names import HINTS, is_plural, is_secret_name

_PAIR = re.compile(
    r"""
    (?P<start> (?P<query>[?&;]) | \\[nrt] | (?<![\w.%~-]) )
    (?P<name> [\w.%~-]++ (?:\[[\w.%~-]*+\]){0,4} )  # `user[password]`
    (?: (?P<quote> \\{0,8}["'] ) (?: [ \t]{0,8} (?: [=-]{1,2}> | [:=,] ) | \][ \t]{0,8}=(?!=) ) \s{0,8}
      | (?P<colon> [ \t]{0,8}:(?![:/]) [ \t]{0,8} )
      | [ \t]{0,8}=[ \t]{0,8} (?=[bBrRuU]{0,2}\\{0,8}["'])
      | [ \t]{1,8}(?:[=-]{1,2}>|=)[ \t]{1,8}
      | =(?(query)|(?!=))  # not a comparison
    )
    """,
    re.VERBOSE | re.ASCII,
)
_BEFORE_NAME = re.compile(r".*[?&;=#]", re.DOTALL)
_NOTHING = re.compile(r"(?:None|null|true|false)(?![\w-])", re.IGNORECASE)
_QUOTED = re.compile(
    r"[bBrRuU]{0,2}(?P<quote>\\*+[\"'])(?P<inner>(?:(?!(?P=quote))(?:\\.|.))*+)",
    re.DOTALL,  # without the closing quote, a text may be cut
)
_BRACKETED = re.compile(r"\[[^\]]*+\]?|\{[^}]*+\}?|\([^)]*+\)?")
# A value may contain quotes; the one that ends the text around it, as in JSON, stands before punctuation.
# Within JSON in JSON it is escaped.
_INNER_BACKSLASHES = r"""\\++(?!["'\\])"""
_LINE = re.compile(
    rf"""(?:[^\r\n"'\\]|{_INNER_BACKSLASHES}"""
    r"""|\\*+["'](?![ \t]{0,8}(?:,[ \t]{0,8}\\{0,8}["'{\[]|[}\]:]|\Z)))*+"""
)
_ENDS = r"""(?=\s|\Z|,\s|,\\{0,8}["'{\[]|[}\]:)>])"""
_SENT_VALUE = re.compile(
    rf"""(?:(?!\\*+["']{_ENDS})(?:"[^"\n]*+"|'[^'\n]*+'))?"""
    rf"""(?:[^&\s#"'\\]|{_INNER_BACKSLASHES}|\\*+["'](?!{_ENDS}))*+"""
)
_PLAIN_VALUE = re.compile(
    r"(?:(?:bearer|basic|digest|token)[ \t]{1,8})?"
    rf"(?:[^&\s\"'\\]|{_INNER_BACKSLASHES}|\\*+[\"'](?=[^\s&,;:)\]}}>]))*+",
    re.IGNORECASE,
)
_FIRST_OF_QUERY = re.compile(r"[^&\s#\"'=]*+={0,2}&")
_HEADINGS = frozenset({"auth", "session", "sessions", "cookies", "tokens", "secrets", "credentials"})
"""Words before a colon in ordinary sentences: `auth: ready`."""
_COUNT = re.compile(r"[0-9]++(?![\w.-])")
_MAX_DECODED = 4
"""How many times a name may be percent-encoded."""


def scrub_pairs(text: str) -> str:
    """Mask the value of each name of a secret in a text."""
    if not _may_hold_a_name(text):
        return text
    lowered = _decoded(text).lower()
    if not any(hint in lowered for hint in HINTS):
        return text
    text = scrub_marked(text)
    pieces: list[str] = []
    done = at = 0
    while (pair := _PAIR.search(text, at)) is not None:
        at = pair.end()
        start, end = _secret_span(text, pair)
        if start < end:
            pieces += (text[done:start], MASK)
            done = at = end
    return "".join((*pieces, text[done:])) if pieces else text


def _may_hold_a_name(text: str) -> bool:
    """Return whether a sign is in the text that marks each name; ids and dates have none."""
    return (
        ":" in text
        or "=" in text
        or "," in text
        or (" " in text and ("-" in text or ">" in text))
        or "</" in text
        or "&lt;" in text
        or ("+" in text and "-" in text)
    )


def _secret_span(text: str, pair: re.Match[str]) -> tuple[int, int]:
    """Return the start and end of the value to mask; they are equal if there is nothing to mask."""
    at = pair.end()
    name, sent = _name_of(text, pair)
    is_assigned = pair["colon"] is None and pair["quote"] is None
    is_pass = is_assigned and name.lower() == "pass"  # `pass: 12 checks` is a sentence
    if not (is_pass or is_secret_name(name, sent=sent)):
        return at, at
    if (is_pass or is_plural(name)) and _COUNT.match(text, at):
        return at, at
    if sent and is_assigned:
        return _matched(_SENT_VALUE, text, at)
    if _NOTHING.match(text, at):
        return at, at
    if pair["colon"] is not None:
        return _span_after_colon(text, pair, name.lower())
    return _span(text, at, only_quoted="," in pair[0])


def _name_of(text: str, pair: re.Match[str]) -> tuple[str, bool]:
    """Return the name, and whether it is in a query."""
    name, start = pair["name"], pair["start"]
    if "%" in name and (before := _BEFORE_NAME.match(decoded := _decoded(name))):  # `came_from=/p%3Fcode=...`
        return decoded[before.end() :], True
    name = _decoded(name)
    if start.startswith("\\"):  # the escape of a line break, or a backslash before the name
        return (name if is_secret_name(name) else start[1] + name), False
    if start:
        return name, True
    # `code` is a secret as the first parameter of a query without its question mark
    return name, is_secret_name(name, sent=True) and _FIRST_OF_QUERY.match(text, pair.end()) is not None


def _span_after_colon(text: str, pair: re.Match[str], name: str) -> tuple[int, int]:
    at = pair.end()
    if name in _HEADINGS or text[pair.start() - 1 : pair.start()] == "/":  # in a sentence or a path
        return at, at
    if name.endswith(("cookie", "authorization")):
        return _matched(_LINE, text, at)
    return _span(text, at)


def _span(text: str, at: int, *, only_quoted: bool = False) -> tuple[int, int]:
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        return quoted.span("inner")
    if only_quoted:
        return at, at
    if text[at : at + 1] in ("[", "{", "("):
        return _matched(_BRACKETED, text, at)
    _, end = _matched(_PLAIN_VALUE, text, at)
    return at, at + len(text[at:end].rstrip(",;)]}>"))


def _matched(pattern: re.Pattern[str], text: str, at: int) -> tuple[int, int]:
    match = pattern.match(text, at)
    return match.span() if match else (at, at)


def _decoded(text: str) -> str:
    for _ in range(_MAX_DECODED):
        if "%" not in text or (plain := unquote_plus(text)) == text:
            break
        text = plain
    return text
