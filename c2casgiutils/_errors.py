"""The base class of all exceptions of this package, and functions for the text of any exception."""


class C2cError(Exception):
    """Base class of all exceptions that this package raises on purpose."""


def text_of(error: BaseException) -> str:
    """Return the text of an exception, empty if it cannot be obtained."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001  # code of other libraries, which may raise anything
        return ""


def encodable(text: str) -> str:
    """Return a text with its lone surrogates escaped: no response can encode them."""
    return text.encode(errors="backslashreplace").decode()
