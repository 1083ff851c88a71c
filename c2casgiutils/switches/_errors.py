"""What can go wrong with a change."""

from c2casgiutils._errors import C2cError
from c2casgiutils._outages import OutageError


class SwitchesUnavailableError(OutageError):
    """Redis is configured, but unreachable or refuses.

    Attributes:
        is_uncertain: Redis did not answer in time and may have done what it was asked for all the same.
        is_stored: The change is stored, and only the processes could not be asked.
    """

    def __init__(self, text: str, *, is_uncertain: bool = False, is_stored: bool = False) -> None:
        super().__init__(text)
        self.is_uncertain = is_uncertain
        self.is_stored = is_stored


class TooManySwitchesError(C2cError, ValueError):
    """There is no room for one more switch of this kind."""
