"""Follow single requests in the log: their lines of any level, from whichever process serves them."""

from c2casgiutils.follow._lines import START, Cursor, LinesUnavailableError, parse_cursor, write_cursor
from c2casgiutils.follow._model import create_id
from c2casgiutils.follow._recognition import COOKIE, HEADER, leave_out
from c2casgiutils.follow._slot import (
    Started,
    StreamEvent,
    end,
    is_active,
    read,
    shutdown,
    start,
    startup,
    stream,
)

__all__ = [
    "COOKIE",
    "HEADER",
    "START",
    "Cursor",
    "LinesUnavailableError",
    "Started",
    "StreamEvent",
    "create_id",
    "end",
    "is_active",
    "leave_out",
    "parse_cursor",
    "read",
    "shutdown",
    "start",
    "startup",
    "stream",
    "write_cursor",
]
