"""The texts of a record: without secrets, of a bounded length, and never an error."""

import logging
import math
from collections.abc import Callable
from typing import Any, TypeGuard

from c2casgiutils._secrets import scrub

_MAX_LENGTH = 32_768
_MAX_NUMBER_BITS = 2048
"""Python refuses to write numbers with more digits than a limit (640 at least) in decimal."""


def text_of(value: object) -> str:
    """Return the text of any value."""
    try:
        text = scrub(value if type(value) is str else hex(value) if _is_huge(value) else str(value))
    except Exception:  # noqa: BLE001  # any class may be logged; its error must not lose the line
        text = f"<{type(value).__name__} without text>"
    return text if len(text) <= _MAX_LENGTH else cut(text, _MAX_LENGTH)


def cut(text: str, length: int) -> str:
    """Return a text without its middle if it has more characters than `length`."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]} ({len(text) - 2 * half} characters left out) {text[len(text) - half :]}"


def simple_of(value: object) -> str | int | float | bool:
    """Return a value that JSON has too: a number or a boolean as it is, else its text."""
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, int) and not _is_huge(value):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else text_of(value)


def message_of(record: logging.LogRecord) -> str:
    """Return the message; with arguments that do not fit it, the message and the arguments."""
    try:
        return text_of(record.getMessage())
    except Exception:  # noqa: BLE001  # arguments that do not fit the message
        return f"{text_of(record.msg)} {' '.join(text_of(value) for value in (record.args or ()))}"


def traceback_of(record: logging.LogRecord, format_exception: Callable[[Any], str] | None = None) -> str:
    """Return the traceback and the stack, empty without any."""
    if not (record.exc_info or record.exc_text or record.stack_info):
        return ""
    parts = []
    if record.exc_text:  # the traceback without what a filter hid by its value
        parts.append(record.exc_text)
    elif record.exc_info and record.exc_info[0] is not None:
        parts.append((format_exception or logging.Formatter().formatException)(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return text_of("\n\n".join(parts))


def _is_huge(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and value.bit_length() > _MAX_NUMBER_BITS
