"""What an error of a database means for the client of a request.

By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), which all drivers of PostgreSQL
give; by the result code on SQLite (https://www.sqlite.org/rescode.html); else by the class of the exception.
"""

import dataclasses
import re
import sys
from typing import TYPE_CHECKING, Any

from c2casgiutils.db._maintenance import MaintenanceError, kind, retry_after

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

_UNAVAILABLE = "The database is unavailable"
_BUSY = "The database is busy, try again"
_TOO_SLOW = "The database took too long"
_WRONG_VALUE = "A value is not valid for the database"

_UNAVAILABLE_STATES = frozenset({"57P01", "57P02", "57P03"})
_UNAVAILABLE_CLASSES = frozenset({"08", "53"})
_BUSY_STATES = frozenset({"40001", "40P01", "55P03"})
_CANCELLED = "57014"
_READ_ONLY_STATE = "25006"
_UNAVAILABLE_CODES = ("SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOTADB", "SQLITE_CORRUPT")
_BUSY_CODES = ("SQLITE_BUSY", "SQLITE_LOCKED")
_READ_ONLY_CODE = "SQLITE_READONLY"


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """What to answer.

    Attributes:
        status: The HTTP status code.
        message: Without statement, values and details.
        retry_after: Seconds after which to try again.
    """

    status: int
    message: str
    retry_after: int | None = None


_IS_UNAVAILABLE = Failure(503, _UNAVAILABLE, retry_after=5)
_IS_BUSY = Failure(503, _BUSY, retry_after=1)
_IS_TOO_SLOW = Failure(504, _TOO_SLOW)


def failure_of(error: Exception) -> Failure | None:
    """Return what to answer to an error of a database, `None` for any other exception."""
    if "sqlalchemy" not in sys.modules:  # importing it would block the event loop, and tell nothing
        return None
    from sqlalchemy import exc

    if isinstance(error, exc.TimeoutError):  # no connection of the pool became free
        return _IS_UNAVAILABLE
    if not isinstance(error, exc.DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    return _of_state(state, error.orig) if state else _of_class(error)


def _of_class(error: "DBAPIError") -> Failure | None:
    """Return what an error without SQLSTATE means: of SQLite, or of a driver that did not ask the server."""
    from sqlalchemy import exc

    code = getattr(error.orig, "sqlite_errorname", None)
    if isinstance(error, exc.IntegrityError):
        return Failure(400, str(error.orig))
    if isinstance(error, exc.DataError) or _is_data_error(error.orig):
        return Failure(400, _WRONG_VALUE)
    if code:
        return _of_code(code)
    is_lost = isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated
    return _IS_UNAVAILABLE if is_lost else None


def _of_state(state: str, original: Any) -> Failure | None:
    if state[:2] in {"22", "23"}:
        return Failure(400, _text_of(original, has_values=state[:2] == "22"))
    if state in _BUSY_STATES:
        return _IS_BUSY
    if state == _CANCELLED:
        return _IS_TOO_SLOW
    if state == _READ_ONLY_STATE:
        return _of_maintenance()
    if state[:2] in _UNAVAILABLE_CLASSES or state in _UNAVAILABLE_STATES:
        return _IS_UNAVAILABLE
    return None


def _of_code(code: str) -> Failure | None:
    if code.startswith(_BUSY_CODES):
        return _IS_BUSY
    if code.startswith(_READ_ONLY_CODE):
        return _of_maintenance()
    return _IS_UNAVAILABLE if code.startswith(_UNAVAILABLE_CODES) else None


def _of_maintenance() -> Failure | None:
    """Return what a write through a session for reading means: a fault, unless maintenance made it one."""
    known = kind()
    setting = known.current()
    if setting is not None:
        return Failure(503, str(MaintenanceError(setting)), retry_after(setting))
    return _IS_BUSY if known.has_just_ended() else None


def _text_of(original: Any, *, has_values: bool) -> str:
    """Return the primary message; of a wrong value it quotes the value."""
    diagnostics = getattr(original, "diag", None)
    text = getattr(diagnostics, "message_primary", None) or _message_of_asyncpg(original)
    if not text:
        return _WRONG_VALUE
    return re.sub(r'".*"|0x[0-9a-f]+.*', "…", text, flags=re.DOTALL) if has_values else text


def _message_of_asyncpg(original: Any) -> str | None:
    message: str | None = getattr(original.__cause__, "message", None)
    return message


def _is_data_error(original: Any) -> bool:
    """Return whether asyncpg refused a value before it asked the server."""
    return any(kind.__name__ == "DataError" for kind in type(original.__cause__).__mro__)
