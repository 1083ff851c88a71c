"""Errors of the switches."""

import contextlib
from collections.abc import Iterator, Mapping

from starlette.exceptions import HTTPException

from c2casgiutils._errors import C2cError
from c2casgiutils._outages import RedisUnavailableError


class SwitchesUnavailableError(RedisUnavailableError):
    """Redis is configured, but it is unreachable or refuses the command; a view answers 503.

    Attributes:
        is_uncertain: Redis did not reply in time and may have carried out the change nevertheless.
        is_stored: The change is stored; only the processes could not be asked to confirm it.
    """

    def __init__(self, text: str, *, is_uncertain: bool = False, is_stored: bool = False) -> None:
        detail = "Redis cannot be reached or written"
        if is_stored:
            detail = "The change is kept in Redis, but it is not known which processes have it"
        elif is_uncertain:
            detail = "Redis did not reply in time: the change may be kept, and some processes may have it"
        super().__init__(text, detail)
        self.is_uncertain = is_uncertain
        self.is_stored = is_stored


class SwitchRefusedError(C2cError, ValueError, HTTPException):
    """A value was refused; the text says why. A view that does not catch it answers 422."""

    def __init__(self, text: str) -> None:
        HTTPException.__init__(self, 422, text)

    def __str__(self) -> str:
        """Return the text without the status."""
        return self.detail


class TooManySwitchesError(SwitchRefusedError):
    """The maximum number of switches of this kind is reached."""


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Raise each `ValueError` of the block as `SwitchRefusedError`."""
    try:
        yield
    except SwitchRefusedError:
        raise
    except ValueError as error:
        raise SwitchRefusedError(str(error)) from error


class NotAppliedError(C2cError, ValueError):
    """Some values of a kind could not be applied; raised by `Kind.apply` once it has applied the others.

    Attributes:
        problems: Why not, by the key of the switch.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(next(iter(problems.values()), ""))
        self.problems = problems
