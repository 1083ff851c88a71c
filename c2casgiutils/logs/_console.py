"""Log lines for people."""

import copy
import logging
from typing import Any, Literal

from c2casgiutils.logs._redaction import redact_record
from c2casgiutils.logs._request import request_fields
from c2casgiutils.logs._texts import message_of, text_of

_CONTROL_CHARACTERS = {
    code: f"\\x{code:02x}"
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
    if chr(code) not in "\n\t"
}
_SURROGATES = {code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)}
"""No encoding can write them: a stream would lose the line."""
_ESCAPES = _CONTROL_CHARACTERS | _SURROGATES
_COLORS = {
    logging.CRITICAL: "1;31",
    logging.ERROR: "31",
    logging.WARNING: "33",
    logging.INFO: "32",
    logging.DEBUG: "36",
}
"""Parameters of the control sequence SGR, ECMA-48 section 8.3.117."""


class ConsoleFormatter(logging.Formatter):
    """Lines for people, with the request id at the end; characters that are not printable are escaped.

    Lines after the first are indented, so that logged text cannot be mistaken for another record.

    Args:
        fmt: As for `logging.Formatter`, as are the next two.
        datefmt: Format of the time.
        style: Style of `fmt`.
        colors: Color the name of the level, with the control sequences of terminals.
        arguments: Further ones of `logging.Formatter`.
    """

    default_format = "%(asctime)s %(levelname)-8s %(name)s %(message)s"

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        *,
        colors: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(fmt or self.default_format, datefmt, style, **arguments)
        self._colors = _COLORS if colors else {}

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        record = copy.copy(record)
        redact_record(record)  # not the whole line, where the name of a logger may stand before a colon
        try:
            text = super().format(record)
        except Exception:  # noqa: BLE001  # arguments that do not fit the message
            record.msg, record.args = message_of(record), ()
            text = super().format(record)
        text = text.translate(_ESCAPES).replace("\n", "\n    ")
        color = self._colors.get(record.levelno)
        if color is None:
            return text
        return text.replace(record.levelname, f"\x1b[{color}m{record.levelname}\x1b[0m", 1)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # a name of the standard library
        """Return the first part of the text, without a traceback."""
        line = super().formatMessage(record)
        request_id = request_fields(record).get("request_id")
        return f"{line} [{text_of(request_id)}]" if request_id else line
