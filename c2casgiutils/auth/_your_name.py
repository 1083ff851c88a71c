"""The name that somebody gives when signing in with the shared secret, which cannot be verified."""

from collections.abc import Sequence

from c2casgiutils._errors import C2cError
from c2casgiutils.config._texts import check_entered

MAX_LENGTH = 80
_MARK = " (unverified)"


class BadNameError(C2cError, ValueError):
    """The name is not accepted; the message says what is."""


def parse(values: Sequence[str]) -> str:
    """Return the name in a form field, empty if there is none.

    Args:
        values: The values of the field.

    Raises:
        BadNameError: It is too long, not printable, or contains the secret, which is never shown.
    """
    if len(values) > 1:
        raise BadNameError("name must be given once")
    name = "".join(values).strip()
    try:
        check_entered(name, "name", MAX_LENGTH)
    except ValueError as error:
        raise BadNameError(str(error)) from None
    return name


def marked(name: str) -> str:
    """Return the name with a mark, so that it is never taken for a verified one; empty if there is none."""
    return f"{name}{_MARK}" if name else ""
