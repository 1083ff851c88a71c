"""The status codes of the application's own exceptions."""

from starlette.exceptions import HTTPException

_STATUSES: dict[type[Exception], int] = {}


def register(exception_type: type[Exception], status: int) -> None:
    """Answer an exception of this class, or of one derived from it, with a status code.

    Below 500 the text of the exception is the message of the answer; from 500 on only callers who may see
    details get it. It applies to all applications with `errors.install`, whenever that is called.

    Args:
        exception_type: The class; the nearest base class counts.
        status: From 400 to 599.

    Raises:
        TypeError: It is no class of exceptions.
        ValueError: The status is out of range, or the class has one already (`HTTPException`).
    """
    if not (isinstance(exception_type, type) and issubclass(exception_type, Exception)):
        raise TypeError(f"exception_type must be a class derived from Exception, not {exception_type!r}")
    if issubclass(exception_type, HTTPException):
        raise ValueError(f"{exception_type.__name__} has a status of its own")  # noqa: TRY004  # it is a class
    if not (isinstance(status, int) and 400 <= status <= 599):  # noqa: PLR2004  # HTTP
        raise ValueError(f"status must be from 400 to 599, not {status!r}")
    _STATUSES[exception_type] = status


def status_of(error: Exception) -> int | None:
    """Return the registered status of an exception."""
    return next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), None)
