"""Errors of the switches."""

from collections.abc import Mapping

from c2casgiutils._errors import C2cError
from c2casgiutils._outages import OutageError


class SwitchesUnavailableError(OutageError):
    """Redis is configured, but it is unreachable or refuses the command.

    Attributes:
        is_uncertain: Redis did not reply in time and may have carried out the change nevertheless.
        is_stored: The change is stored; only the processes could not be asked to confirm it.
    """

    def __init__(self, text: str, *, is_uncertain: bool = False, is_stored: bool = False) -> None:
        super().__init__(text)
        self.is_uncertain = is_uncertain
        self.is_stored = is_stored


class TooManySwitchesError(C2cError, ValueError):
    """The maximum number of switches of this kind is reached."""


class NotAppliedError(C2cError, ValueError):
    """Some values of a kind could not be applied; raised by `Kind.apply` once it has applied the others.

    Attributes:
        problems: Why not, by the key of the switch.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(next(iter(problems.values()), ""))
        self.problems = problems
