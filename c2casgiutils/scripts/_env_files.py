"""Reads and writes env files: `NAME=value`, with quotes, `export`, comments and references to variables."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from c2casgiutils._errors import C2cError

_ASSIGNMENT = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*(?P<equals>=?)[ \t]*", re.ASCII
)
_IGNORED = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\$(?=[A-Za-z_{(])", re.ASCII)
_REFERRED = re.compile(r"(?P<before>(?<!\\)(?:\\\\)*\$\{?)(?P<name>[A-Za-z_]\w*)", re.ASCII)
_PLAIN = re.compile(r"[\w./:@,+=%~^-]+", re.ASCII)


class UnreadableError(C2cError):
    """A file is not what it should be; the message says where and why, in one line."""


class Value(NamedTuple):
    """The value of a variable.

    Attributes:
        text: The value; if it refers to other variables, as it stands between double quotes.
        is_reference: Whether it refers to other variables (`${NAME}`), so that it is only known later.
    """

    text: str
    is_reference: bool = False


def parse_env(text: str) -> dict[str, Value]:
    """Return the variables of an env file: `NAME=value`, with quotes, `export`, comments.

    Raises:
        UnreadableError: A line has another form.
    """
    if "\0" in text:
        raise UnreadableError("has a NUL character")
    text = text.replace("\r\n", "\n")
    values: dict[str, Value] = {}
    position = 0
    while position < len(text):
        ignored = _IGNORED.match(text, position)
        if ignored is not None:
            position = ignored.end()
            continue
        assignment = _ASSIGNMENT.match(text, position)
        if assignment is None:
            raise _wrong_line(text, position, "is not NAME=value")
        name, end = assignment["name"], assignment.end()
        if assignment["equals"]:
            values[name], end = _value(text, end)
        else:
            values[name] = of_host(name)
        ignored = _IGNORED.match(text, end)
        if ignored is None:
            raise _wrong_line(text, position, "is not NAME=value")
        position = ignored.end()
    return values


def _wrong_line(text: str, position: int, problem: str) -> UnreadableError:
    number = text.count("\n", 0, position) + 1
    return UnreadableError(f"line {number} {problem}")


def _value(text: str, position: int) -> tuple[Value, int]:
    """Return the value at a position, and the position after it."""
    quote = text[position : position + 1]
    if quote in {"'", '"'}:
        quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, position)
        if quoted is None:
            raise _wrong_line(text, position, "has a quote without its end")
        return (Value(quoted[1]) if quote == "'" else _double(quoted[1])), quoted.end()
    end = text.find("\n", position)
    whole = text[position:] if end < 0 else text[position:end]
    comment = re.search(r"(?:^|\s)#", whole)
    plain = (whole[: comment.start()] if comment else whole).strip()
    is_reference = _REFERENCE.search(plain) is not None
    return Value(escape(plain) if is_reference else plain, is_reference), position + len(whole)


def _double(inner: str) -> Value:
    if _REFERENCE.search(inner):
        return Value(inner, is_reference=True)
    return Value(_ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), inner))


def escape(text: str) -> str:
    """Return a text as it stands between double quotes, with its references."""
    return re.sub(r'(["\\`])', r"\\\1", text)


def of_host(name: str) -> Value:
    """Return the value of a variable that is passed through from the host."""
    return Value(f"${{{name}}}", is_reference=True)


def referred(value: Value) -> set[str]:
    """Return the names of the variables that a value refers to."""
    return {match["name"] for match in _REFERRED.finditer(value.text)} if value.is_reference else set()


def refer_to(value: Value, names: Mapping[str, str]) -> Value:
    """Return a value that refers to variables by their new names.

    Args:
        value: The value.
        names: The new names by the old ones.
    """
    if not value.is_reference:
        return value
    text = _REFERRED.sub(lambda match: match["before"] + names.get(match["name"], match["name"]), value.text)
    return value._replace(text=text)


def write_env(values: Mapping[str, Value]) -> str:
    """Return an env file that docker compose, systemd and shells read alike."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: Value) -> str:
    if value.is_reference:
        return f'"{value.text}"'
    if _PLAIN.fullmatch(value.text):
        return value.text
    if not re.search(r"['\\\r]", value.text):
        return f"'{value.text}'"
    escaped = re.sub(r'(["\\$`])', r"\\\1", value.text).replace("\r", "\\r")
    return f'"{escaped}"'
