"""When a trouble began, as far as this process can know."""

import math


class Since:
    """Tracks a trouble that is only seen when somebody looks.

    Its beginning is between the last look that did not see it and the first one that did. It is known only if
    these were close to each other.

    Args:
        seconds: How close.
        is_on: It is there until a look does not see it.
    """

    def __init__(self, seconds: float, *, is_on: bool = False) -> None:
        self._seconds = seconds
        self._clear_at = -math.inf
        self.is_on: bool = is_on
        """The last look saw it."""
        self.at: float | None = None
        """When it began; `None` if it is not there, or that is not known."""

    def note(self, now: float, *, is_on: bool) -> None:
        """Note a look.

        Args:
            now: The time of Redis.
            is_on: The trouble is there.
        """
        if not is_on:
            self._clear_at, self.at = now, None
        elif not self.is_on and now - self._clear_at <= self._seconds:
            self.at = now
        self.is_on = is_on


def first(*troubles: Since) -> float | None:
    """Return when the first of several troubles began, `None` if that of one that is there is not known."""
    begun = [trouble.at for trouble in troubles if trouble.is_on]
    known = [at for at in begun if at is not None]
    return min(known) if known and len(known) == len(begun) else None
