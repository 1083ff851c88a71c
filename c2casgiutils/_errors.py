"""The base of all exceptions of this package, and the text of any exception."""


class C2cError(Exception):
    """Base class of all exceptions that this package raises on purpose."""


def text_of(error: BaseException) -> str:
    """Return the text of an exception, empty when its class cannot give one."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001  # code of somebody else, which may raise anything
        return ""
