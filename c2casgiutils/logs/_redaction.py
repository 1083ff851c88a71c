"""Remove secrets from log records, before any formatter sees them."""

import copy
import logging
import traceback
from collections.abc import Iterable

from c2casgiutils._secrets import MASK, is_secret_name, scrub
from c2casgiutils.logs._access import access_of
from c2casgiutils.logs._handlers import all_handlers
from c2casgiutils.logs._request import NOTED, request_fields
from c2casgiutils.logs._texts import cut, message_of, traceback_of

STANDARD_ATTRIBUTES = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"))
_MIN_VALUE_LENGTH = 8
"""A shorter secret is not looked for: the mask in an ordinary word would tell it."""


class RedactionFilter(logging.Filter):
    """Replaces the secrets of a record by `***`: in its texts, arguments and extras, and in the logger name.

    It belongs on handlers: a filter of a logger does not see the records of its children.

    Args:
        values: Secrets to hide wherever they stand, besides what is named or looks like one.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        super().__init__()
        self.values = values

    @property
    def values(self) -> tuple[str, ...]:
        """Secrets that are hidden by their value, those of eight characters or more."""
        return self._values

    @values.setter
    def values(self, values: Iterable[str]) -> None:
        self._values = tuple(value for value in values if len(value) >= _MIN_VALUE_LENGTH)

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place, for every handler that follows; keep it."""
        redact_record(record, self._values)
        return True


def redact_record(record: logging.LogRecord, values: tuple[str, ...] = ()) -> None:
    """Remove the secrets of a record, in place."""
    _redact_message(record, values)
    _redact_traceback(record, values)
    record.name = scrub(record.name, values)
    if values:  # without them formatters do it
        _redact_request(record, values)
    if record.stack_info:
        record.stack_info = scrub(record.stack_info, values)
    for name, value in vars(record).items():
        if name in STANDARD_ATTRIBUTES or value is None or isinstance(value, (bool, int, float)):
            continue
        if is_secret_name(name):
            setattr(record, name, MASK)
        elif isinstance(value, str):
            setattr(record, name, scrub(value, values))


def _redact_message(record: logging.LogRecord, values: tuple[str, ...]) -> None:
    if isinstance(record.args, tuple):
        record.args = tuple(scrub(item, values) if isinstance(item, str) else item for item in record.args)
    if isinstance(record.args, tuple) and access_of(record) is not None:  # its formatters need all arguments
        return
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001  # a wrong format is reported by the handler
        return
    redacted = scrub(message, values)
    if redacted == message:
        return
    if access_of(record) is None:
        record.msg, record.args = redacted, ()
    else:  # the arguments tell what the line says
        record.msg = redacted.replace("%", "%%")


def _redact_traceback(record: logging.LogRecord, values: tuple[str, ...]) -> None:
    """Set the record's text of its traceback, which formatters prefer to `exc_info`."""
    text = record.exc_text
    if not text and record.exc_info and record.exc_info[0] is not None:
        text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    if text and (redacted := scrub(text, values)) != text:
        record.exc_text = redacted


def _redact_request(record: logging.LogRecord, values: tuple[str, ...]) -> None:
    """Note the fields of the request, which formatters would look up, without what a client put there."""
    fields = request_fields(record)
    redacted = {name: scrub(text, values) for name, text in fields.items()}
    if redacted != fields:
        setattr(record, NOTED, redacted)


def plain_text(record: logging.LogRecord, values: tuple[str, ...] = (), *, length: int) -> str:
    """Return the message and the traceback of a record without its secrets; the record stays as it is.

    Args:
        record: The record.
        values: As for `RedactionFilter`.
        length: A text of more characters loses its middle.
    """
    record = copy.copy(record)
    redact_record(record, values)
    return cut("\n".join(filter(None, (message_of(record), traceback_of(record)))), length)


def protect_handlers(values: Iterable[str] = ()) -> None:
    """Remove secrets from the output of all handlers that exist in the process now.

    Args:
        values: As for `RedactionFilter`; filters that a configuration added learn them too.
    """
    values = tuple(values)
    for handler in all_handlers():
        own = next((item for item in handler.filters if isinstance(item, RedactionFilter)), None)
        if own is None:
            handler.addFilter(RedactionFilter(values))
        else:
            own.values = values
