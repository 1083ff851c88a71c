"""The two formats of log lines."""

import copy
import json
import logging
import math
import socket
from typing import Any, Literal, TypeGuard

from c2casgiutils._secrets import MASK, is_secret_name, scrub
from c2casgiutils.logs._redaction import STANDARD_ATTRIBUTES, access_fields, redact_record
from c2casgiutils.request_tracking import current_request_id

_SYSLOG_LEVELS = {
    logging.CRITICAL: 2,
    logging.ERROR: 3,
    logging.WARNING: 4,
    logging.INFO: 6,
    logging.DEBUG: 7,
}
_MAX_TEXT_LENGTH = 32_768
_MAX_NUMBER_BITS = 2048
"""Python refuses to write numbers with more digits than a limit (640 at least) in decimal."""
_NO_EXTRA = {*STANDARD_ATTRIBUTES, "color_message", "id"}  # what uvicorn adds for itself
_CONTROL_CHARACTERS = {
    code: f"\\x{code:02x}"
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
    if chr(code) not in "\n\t"
}
_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}
"""No encoding can write them: a stream would lose the line."""
_ESCAPES = _CONTROL_CHARACTERS | _SURROGATES


def _request_id(record: logging.LogRecord) -> str | None:
    """Return the id that a filter noted on the record, in the task of the request, else that of this task."""
    noted = getattr(record, "request_id", None)
    return str(noted) if noted is not None else current_request_id()


def _text(value: object) -> str:
    try:
        text = scrub(hex(value) if _is_huge(value) else str(value))
    except Exception:  # noqa: BLE001  # any class may be logged; its error must not lose the line
        text = f"<{type(value).__name__} without text>"
    if len(text) <= _MAX_TEXT_LENGTH:
        return text
    half = _MAX_TEXT_LENGTH // 2
    return f"{text[:half]} ({len(text) - 2 * half} characters left out) {text[-half:]}"


def _is_huge(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and value.bit_length() > _MAX_NUMBER_BITS


def _simple(value: object) -> str | int | float | bool:
    if _is_huge(value):
        return _text(value)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _text(value)


def _message(record: logging.LogRecord) -> str:
    try:
        return _text(record.getMessage())
    except Exception:  # noqa: BLE001  # arguments that do not fit the message
        return f"{_text(record.msg)} {' '.join(_text(value) for value in (record.args or ()))}"


class JsonFormatter(logging.Formatter):
    """One JSON object per line.

    Always there: `msg`, `host`, `timestamp` (seconds since 1970), `level` (the number of RFC 5424 section
    6.2.1), `level_name`, `logger_name`, `source_facility`, `file`, `line`, `function`, `pid`, `thread_name`,
    `process_name`. In a request `request_id`; with an exception `full_message` (the traceback) and `full_msg`
    (`"true"`); in lines of uvicorn's access log `client_addr`, `method`, `path`, `status_code`. Each `extra`
    is a key of its own: numbers as they are, all else as text; one named as a field gets `extra_` before it.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        **arguments: Any,
    ) -> None:
        super().__init__(fmt, datefmt, style, **arguments)
        self._host = socket.gethostname()

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object without a line break."""
        fields = self._fields(record) | _access(record) | self._exception(record)
        request_id = _request_id(record)
        if request_id is not None:
            fields["request_id"] = _text(request_id)
        for name, value in _extra(record).items():
            fields[f"extra_{name}" if name in fields else name] = value
        return json.dumps(fields)

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        return {
            "msg": _message(record),
            "host": self._host,
            "timestamp": record.created,
            "level": _SYSLOG_LEVELS.get(record.levelno, record.levelno),
            "level_name": record.levelname,
            "logger_name": record.name,
            "source_facility": record.name,
            "file": record.pathname,
            "line": record.lineno,
            "function": record.funcName,
            "pid": record.process,
            "thread_name": record.threadName,
            "process_name": record.processName,
        }

    def _exception(self, record: logging.LogRecord) -> dict[str, str]:
        parts = []
        if record.exc_text:  # the traceback without what a filter hid by its value
            parts.append(record.exc_text)
        elif record.exc_info and record.exc_info[0] is not None:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(record.stack_info)
        return {"full_message": _text("\n\n".join(parts)), "full_msg": "true"} if parts else {}


def _access(record: logging.LogRecord) -> dict[str, Any]:
    access = access_fields(record)
    if access is None:
        return {}
    client, method, target, status = access
    return {
        "client_addr": client,
        "method": method,
        "path": _text(target.partition("?")[0]),
        "status_code": status,
    }


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    given = {name: value for name, value in vars(record).items() if name not in _NO_EXTRA}
    given.pop("request_id", None)
    return {
        (plain if (plain := name.lstrip("_")) and plain not in given else name): _extra_value(name, value)
        for name, value in given.items()
    }


def _extra_value(name: str, value: object) -> str | int | float | bool:
    simple = _simple(value)
    return MASK if value is not None and isinstance(simple, str) and is_secret_name(name) else simple


class ConsoleFormatter(logging.Formatter):
    """Lines for people, with the request id at the end; characters that are not printable are escaped.

    Lines after the first are indented, so that logged text cannot be mistaken for another record.
    """

    default_format = "%(asctime)s %(levelname)-8s %(name)s %(message)s"

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        **arguments: Any,
    ) -> None:
        super().__init__(fmt or self.default_format, datefmt, style, **arguments)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        record = copy.copy(record)
        redact_record(record)  # not the whole line, where the name of a logger may stand before a colon
        try:
            text = super().format(record)
        except Exception:  # noqa: BLE001  # arguments that do not fit the message
            record.msg, record.args = _message(record), ()
            text = super().format(record)
        return text.translate(_ESCAPES).replace("\n", "\n    ")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # a name of the standard library
        """Return the first part of the text, without a traceback."""
        line = super().formatMessage(record)
        request_id = _request_id(record)
        return f"{line} [{request_id}]" if request_id else line
