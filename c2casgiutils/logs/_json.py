"""Log lines as JSON objects."""

import functools
import itertools
import json
import logging
import socket
from collections.abc import Mapping
from typing import Any, Literal

from c2casgiutils._secrets import MASK, is_secret_name
from c2casgiutils.logs._access import access_of
from c2casgiutils.logs._redaction import STANDARD_ATTRIBUTES
from c2casgiutils.logs._request import NOTED, request_fields
from c2casgiutils.logs._texts import cut, message_of, simple_of, text_of, traceback_of

_SYSLOG_LEVELS = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}
_NO_EXTRA = {*STANDARD_ATTRIBUTES, NOTED, "color_message", "id"}  # the color is uvicorn's own
_ALWAYS = (
    "msg",
    "host",
    "timestamp",
    "level",
    "level_name",
    "logger_name",
    "source_facility",
    "file",
    "line",
)
_ORIGIN = ("function", "pid", "thread_name", "process_name")
_REQUEST = (
    "request_id",
    "trace_id",
    "span_id",
    "client_addr",
    "method",
    "path",
    "matched_route",
    "status_code",
)
_FIELDS = frozenset((*_ALWAYS, *_ORIGIN, *_REQUEST, "full_message", "full_msg", "left_out"))
"""Names that only the formatter gives, whether the line has them or not."""
_MAX_BYTES = 4096
"""Longest write to a pipe that no other process can interrupt: `PIPE_BUF` of Linux, see pipe(7)."""
_ENCODER = json.JSONEncoder(check_circular=False)  # the object is flat
"""Writes ASCII: a line has as many bytes as characters."""
_SHORTEST_CUT = 128
"""Fields are cut to this length at least, ids not at all; all but the extras fit then."""
_NOTICE_LENGTH = 40


def as_extra(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields to be given as `extra` to a logger of the standard library.

    It rejects the names of the attributes of a record; they get `extra_` before them.
    """
    return {f"extra_{name}" if name in STANDARD_ATTRIBUTES else name: value for name, value in fields.items()}


def syslog_level(number: int) -> int:
    """Return the severity of RFC 5424 (section 6.2.1) of a level, or the number of a custom level."""
    return _SYSLOG_LEVELS.get(number, number)


class JsonFormatter(logging.Formatter):
    """One JSON object per line.

    Always there: `msg`, `host`, `timestamp` (seconds since 1970), `level` (the number of RFC 5424 section
    6.2.1), `level_name`, `logger_name`, `source_facility`, `file`, `line`, `function`, `pid`, `thread_name`,
    `process_name`. In a request `request_id`, `trace_id`, `client_addr`, `method`, `path` and `matched_route`
    (the template of the route, once it is known); with an exception `full_message` (the traceback) and
    `full_msg` (`"true"`); in lines of an access log `client_addr`, `method`, `path`, `status_code`. Each
    `extra` is a key of its own: numbers as they are, all else as text; one named as a field gets `extra_`
    before it, whether the line has that field or not.

    Args:
        fmt: Ignored, as are the next two; configurations give them to any formatter.
        datefmt: Ignored.
        style: Ignored.
        max_bytes: Longest line, with its line feed: the longest texts lose their middle, and extras that do
            not fit are only counted (`left_out`). The default is what a pipe takes at once, so that lines of
            several processes never mix.
        static_fields: Further keys of each object.
        arguments: Of `logging.Formatter`, ignored.

    Raises:
        ValueError: `max_bytes` is less than 4096.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        *,
        max_bytes: int = _MAX_BYTES,
        static_fields: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(fmt, datefmt, style, **arguments)
        if not isinstance(max_bytes, int) or max_bytes < _MAX_BYTES:
            raise ValueError(f"max_bytes must be an integer of {_MAX_BYTES} or more, not {max_bytes!r}")
        self._max_bytes = max_bytes
        static_fields = static_fields or {}
        self._static_fields: dict[str, Any] = {}
        for name, value in static_fields.items():
            self._static_fields[_free_key(name, self._static_fields)] = _extra_value(name, value)
        self._host = socket.gethostname()

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object without a line break."""
        fields = self._fields(record)
        for name, text in request_fields(record).items():
            fields[name] = text_of(text)
        if (access := access_of(record)) is not None:
            fields |= {
                "client_addr": access.client,
                "method": access.method,
                "path": text_of(access.path),
                "status_code": access.status,
            }
        if traceback := traceback_of(record, self.formatException):
            fields |= {"full_message": traceback, "full_msg": "true"}
        number = len(fields)
        fields |= self._static_fields
        _add_extra(fields, vars(record))
        line = _ENCODER.encode(fields)
        return line if len(line) < self._max_bytes else _shorten(fields, number, self._max_bytes)

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        name = _text_of_name(record.name) if type(record.name) is str else text_of(record.name)
        return {
            "msg": message_of(record),
            "host": self._host,
            "timestamp": record.created,
            "level": _SYSLOG_LEVELS.get(record.levelno, record.levelno),
            "level_name": record.levelname,
            "logger_name": name,
            "source_facility": name,
            "file": record.pathname,
            "line": record.lineno,
            "function": record.funcName,
            "pid": record.process,
            "thread_name": record.threadName,
            "process_name": record.processName,
        }


@functools.lru_cache(maxsize=1024)
def _text_of_name(name: str) -> str:
    """Return the text of the name of a logger; there are few, and each writes many lines."""
    return text_of(name)


def _add_extra(fields: dict[str, Any], attributes: dict[str, Any]) -> None:
    names = [name for name in attributes if name not in _NO_EXTRA]
    for name in sorted(names):
        key = name
        if name[:1] == "_" and (plain := name.lstrip("_")) and plain not in names:
            key = plain
        if key in _FIELDS or key in fields:  # seldom, so a call less for most
            key = _free_key(key, fields)
        fields[key] = _extra_value(name, attributes[name])


def _free_key(name: str, fields: Mapping[str, Any]) -> str:
    while name in _FIELDS or name in fields:
        name = f"extra_{name}"
    return name


def _extra_value(name: str, value: object) -> str | int | float | bool:
    simple = simple_of(value)
    return MASK if isinstance(simple, str) and value is not None and is_secret_name(name) else simple


def _shorten(fields: dict[str, Any], number: int, max_bytes: int) -> str:
    """Return a line of less than `max_bytes`, with as much of the longest texts as possible.

    Args:
        fields: All fields.
        number: How many of them are no extras; they come first.
        max_bytes: With the line feed.
    """
    if len(_cut_line(fields, _SHORTEST_CUT)) >= max_bytes:
        fields = dict(itertools.islice(fields.items(), number)) | {"left_out": len(fields) - number}
    shortest, longest = _SHORTEST_CUT, max_bytes
    while shortest < longest:
        length = (shortest + longest + 1) // 2
        if len(_cut_line(fields, length)) < max_bytes:
            shortest = length
        else:
            longest = length - 1
    return _cut_line(fields, shortest)


def _cut_line(fields: dict[str, Any], length: int) -> str:
    return _ENCODER.encode({name: _cut_text(value, length) for name, value in fields.items()})


def _cut_text(value: Any, length: int) -> Any:
    """Cut a text that takes more than about `length` characters in JSON, where one may take up to 12."""
    if not isinstance(value, str) or len(value) * 12 <= length:
        return value
    written = len(_ENCODER.encode(value))
    if written <= length + _NOTICE_LENGTH:
        return value
    return cut(value, length * len(value) // written)
