"""Statements without their values: the text to show, and the same one whatever the values and the layout.

Not a parser: it knows where literals, comments and names begin and end on PostgreSQL and SQLite
(https://www.postgresql.org/docs/current/sql-syntax-lexical.html, https://www.sqlite.org/lang_expr.html).
Where the text is ambiguous, the rest of it is left out.
"""

import functools
import hashlib
import re
from typing import NamedTuple

_MAX_LENGTH = 50_000
"""Maximum number of characters that are read; lists of parameters are shortened before."""
_MAX_CACHED_LENGTH = 5_000
_KEPT = 500
_PLACEHOLDER = "?"
_CUT = "…"

_LETTER = r"(?:[A-Za-z_]|[^\x00-\x7f])"
"""What a name may begin with: for both databases each character beyond ASCII is a letter, blanks included."""
_TOKEN = rf"""
    (?P<space>[ \t\n\r\f\v]+|--[^END]*)
    |(?P<comment>/\*)
    |(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z|\\\Z))
    |(?P<string>(?:[uU]&|[bBxXnN])?'(?:[^']|'')*(?:'|\Z))
    |(?P<dollars>\$(?P<tag>{_LETTER}(?:{_LETTER}|\d)*|)\$.*?(?:\$(?P=tag)\$|\Z))
    |(?P<parameter>%\([^)]{{1,200}}\)[sbt]|%[sbt](?!\w)|\?\d*|[$@]\w+|:(?!:)\w+)
    |(?P<number>\.?\d[\w.]*(?:(?<=[eE])[-+]\d\w*)?)
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z))
    |(?P<word>{_LETTER}(?:{_LETTER}|[\d$])*)
    |(?P<operator>(?:(?!--|/\*|%\(|%[sbt](?!\w)|@\w)[-+*/<>=~!@\#%^&|])+|::)
    |(?P<comma>,)
    |(?P<end>;)
    |(?P<other>.)
"""
_POSTGRESQL = re.compile(_TOKEN.replace("END", r"\n\r"), re.DOTALL | re.VERBOSE)
_SQLITE = re.compile(_TOKEN.replace("END", r"\n"), re.DOTALL | re.VERBOSE)
_COMMENT_MARKS = re.compile(r"/\*|\*/")
_PARAMETERS = re.compile(
    r"(%\(\w+\)s|\$\d+|\?)((?:::[\w ]+)?)(?:,\s*(?:%\(\w+\)s|\$\d+|\?)\2(?![\w ]))+", re.ASCII
)
_LITERALS = frozenset({"escaped", "string", "dollars", "parameter", "number"})
_BOOLEANS = frozenset({"TRUE", "FALSE"})
_WORDS = """
ALL ALTER ANALYZE AND ANY ARRAY AS ASC BEGIN BETWEEN BY CALL CASE CAST CLOSE COMMIT CONFLICT COPY CREATE
CROSS CURRENT DECLARE DELETE DESC DISTINCT DO DROP ELSE END EXCEPT EXECUTE EXISTS EXPLAIN FETCH FILTER
FOR FROM FULL GROUP HAVING IF ILIKE IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY LATERAL LEFT LIKE
LIMIT LISTEN LOCK LOCKED MATERIALIZED MERGE NO NOT NOTHING NOTIFY NOWAIT NULL OF OFFSET ON OR ORDER OUTER
OVER PARTITION PRAGMA PREPARE RECURSIVE RELEASE REPLACE RETURNING RIGHT ROLLBACK ROW SAVEPOINT SELECT SET
SETS SHARE SHOW SKIP SOME START TABLE TEMPORARY THEN TO TRANSACTION TRUNCATE UNION UNIQUE UPDATE USING
VALUES VIEW WHEN WHERE WINDOW WITH WITHIN
"""
_KEYWORDS = frozenset(_WORDS.split())
_VALUES_WITHOUT_QUOTES = frozenset({"SET", "PRAGMA", "NOTIFY", "LISTEN", "EXECUTE", "ATTACH", "COMMENT"})
"""The first words of statements whose values may be bare words: only the first ones are shown."""
_SHOWN_WORDS = 3
_MAY_SET = frozenset({"ALTER", "CREATE"})
"""The first words of statements in which SET may be followed by such a value."""
_BEFORE_A_NAME = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "AS"})
_NO_SPACE_BEFORE = frozenset({",", ")", "]", ".", "::"})
_NO_SPACE_AFTER = frozenset({"(", "[", ".", "::"})
_CLOSING = {"(": ")", "[": "]"}


class Statement(NamedTuple):
    """A statement without values.

    Attributes:
        text: It, in one line.
        verb: Its first word, in capitals.
        words: Its words, in capitals.
        functions: The names before a parenthesis that are not keywords, in lower case.
        is_whole: Nothing was left out.
    """

    text: str
    verb: str
    words: frozenset[str]
    functions: frozenset[str]
    is_whole: bool

    def fingerprint(self, database: str) -> str:
        """Return what identifies the statement in a database, the same in all processes."""
        return hashlib.sha256(f"{database}\0{self.text}".encode()).hexdigest()[:16]


def without_values(statement: str, *, is_sqlite: bool = False) -> Statement:
    """Return a statement with `?` in place of each value.

    Comments are left out, lists of values are one value, and what is not quoted has the same case.

    Args:
        statement: As the driver gets it, or a part of a plan.
        is_sqlite: It is of SQLite, where a name in double quotes may be a value.
    """
    if len(statement) <= _MAX_CACHED_LENGTH:
        return _cached(statement, is_sqlite)
    if len(statement) > _MAX_LENGTH:
        statement = _PARAMETERS.sub(r"\1\2", statement)
    return _read(statement, is_sqlite)


def _read(statement: str, is_sqlite: bool) -> Statement:
    return _Reader(is_sqlite).read(statement)


_cached = functools.lru_cache(maxsize=_KEPT)(_read)


class _Group:
    """What stands within parentheses, or at the top: elements between commas."""

    def __init__(self, opening: str = "") -> None:
        self.opening = opening
        self.elements: list[str] = []
        self.tokens: list[str] = []
        self.last = ""

    def add(self, token: str, last: str | None = None) -> None:
        is_apart = bool(self.tokens) and token not in _NO_SPACE_BEFORE and self.last not in _NO_SPACE_AFTER
        self.tokens.append(f" {token}" if is_apart else token)
        self.last = token if last is None else last

    def end_element(self) -> None:
        """Add what came since the last comma, unless it is one more of the same values."""
        element = "".join(self.tokens)
        is_value = bool(self.opening) and _PLACEHOLDER in element
        if not (is_value and self.elements[-1:] == [element]):
            self.elements.append(element)
        self.tokens = []
        self.last = ","

    def add_group(self, group: "_Group") -> None:
        """Add what stood within parentheses, unless it is one more row of the same values."""
        text = str(group)
        is_row = not self.tokens and _PLACEHOLDER in text and self.elements[-1:] != []
        if is_row and self.elements[-1].endswith(text):
            self.tokens = [self.elements.pop()]
            self.last = _CLOSING[group.opening]
        else:
            self.add(text, last=_CLOSING[group.opening])

    def __str__(self) -> str:
        self.end_element()
        return f"{self.opening}{', '.join(self.elements)}{_CLOSING.get(self.opening, '')}"


class _Reader:
    def __init__(self, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite
        self._groups = [_Group()]
        self._verb = ""
        self._words: set[str] = set()
        self._functions: set[str] = set()
        self._count = 0

    def read(self, statement: str) -> Statement:
        is_whole = self._read_tokens(statement[:_MAX_LENGTH]) and len(statement) <= _MAX_LENGTH
        while len(self._groups) > 1:
            self._close()
        if not is_whole:
            self._groups[0].add(_CUT)
        # lone surrogates cannot be sent to others
        text = str(self._groups[0]).encode(errors="replace").decode()
        return Statement(text, self._verb, frozenset(self._words), frozenset(self._functions), is_whole)

    def _read_tokens(self, text: str) -> bool:
        """Return whether all of it was read; a second statement is not."""
        position, end, is_ended = 0, len(text), False
        match_token = (_SQLITE if self._is_sqlite else _POSTGRESQL).match
        while position < end:
            match = match_token(text, position)
            if match is None:
                return False
            kind, token = str(match.lastgroup), match[0]
            position = match.end()
            if kind == "comment":
                position = _end_of_comment(text, position, is_nested=not self._is_sqlite)
            elif kind == "end":
                is_ended = True
            elif kind != "space" and (is_ended or not self._take(kind, token)):
                return False
        return True

    def _take(self, kind: str, token: str) -> bool:
        """Add a token; return `False` when the rest is to be left out."""
        group = self._groups[-1]
        if kind in _LITERALS:
            group.add(_PLACEHOLDER)
            # with standard_conforming_strings off, a quote after a backslash does not end a string
            return not (kind == "string" and "\\'" in token)
        if kind == "quoted":
            if self._verb in _VALUES_WITHOUT_QUOTES:
                return False
            is_value = self._is_sqlite and group.last not in {*_BEFORE_A_NAME, "."}
            group.add(f'"{_PLACEHOLDER}"' if is_value else token, last=token)
        elif kind == "word":
            return self._take_word(token)
        elif token in _CLOSING:
            self._open(token)
        elif token in _CLOSING.values():
            if len(self._groups) > 1:
                self._close()
        elif kind == "comma":
            group.end_element()
        else:
            group.add(token.replace("%%", "%"))
        return True

    def _take_word(self, token: str) -> bool:
        upper = token.upper()
        self._verb = self._verb or upper
        self._words.add(upper)
        self._count += 1
        group = self._groups[-1]
        if self._verb in _VALUES_WITHOUT_QUOTES:
            is_value = group.last in {"=", "TO"} or len(self._groups) > 1
            if is_value or self._count > _SHOWN_WORDS:
                return False
        if upper == "SET" and self._verb in _MAY_SET:
            return False
        if upper in _BOOLEANS:
            group.add(_PLACEHOLDER)
        elif upper == "FROM" and group.last == "DISTINCT":  # IS DISTINCT FROM
            group.add(upper, last=_PLACEHOLDER)
        elif upper in _KEYWORDS:
            group.add(upper)
        else:
            group.add(token.lower())
        return True

    def _open(self, opening: str) -> None:
        group = self._groups[-1]
        name = group.last.strip('"`')
        if opening == "(" and name[:1].isidentifier() and group.last not in _KEYWORDS:
            self._functions.add(name.lower())
            group.last = "."  # `f(…)`, not `f (…)`
        elif opening == "[":
            group.last = "."
        self._groups.append(_Group(opening))

    def _close(self) -> None:
        closed = self._groups.pop()
        self._groups[-1].add_group(closed)


def _end_of_comment(text: str, position: int, *, is_nested: bool) -> int:
    """Return where a comment ends; on PostgreSQL there may be others in it."""
    depth = 1
    for match in _COMMENT_MARKS.finditer(text, position):
        if match[0] == "*/":
            depth -= 1
        elif is_nested:
            depth += 1
        if depth == 0:
            return match.end()
    return len(text)
