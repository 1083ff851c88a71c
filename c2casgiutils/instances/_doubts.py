"""Why the roster may not have all processes, and since when."""

from c2casgiutils.instances._since import Since, first

_CLOSE_BEATS = 2
"""Looks at the roster that are closer than so many beats tell when something between them began."""


class Doubts:
    """What makes the roster stale.

    Args:
        heartbeat: The interval of the heartbeats in seconds.
    """

    def __init__(self, heartbeat: float) -> None:
        close = _CLOSE_BEATS * heartbeat
        self.refused: Since = Since(close)
        """Redis refuses the entry of this process, so probably those of the others, too."""
        self.refusal: str | None = None
        """Why Redis refuses it."""
        self.partly: Since = Since(close, is_on=True)
        """The hash is missing or unreadable, or was rebuilt just now."""
        self.others: Since = Since(close)
        """Processes are connected that the roster does not have."""
        self.skipped: Since = Since(close)
        """Entries are not accepted."""

    def note_refusal(self, now: float, reason: str | None) -> None:
        """Note whether Redis accepted the entry of this process.

        Args:
            now: The time of Redis.
            reason: Why not; `None` if it did.
        """
        self.refused.note(now, is_on=reason is not None)
        self.refusal = reason

    @property
    def is_whole(self) -> bool:
        """Whether no entry was lost, so that one without heartbeats is of a suspended or dead process."""
        return not (self.refused.is_on or self.partly.is_on)

    @property
    def is_any(self) -> bool:
        """Whether the processes of the service are not known for certain."""
        return not self.is_whole or self.others.is_on or self.skipped.is_on

    @property
    def since(self) -> float | None:
        """When the first of them began, by the clock of Redis; `None` if that is not known."""
        return first(self.refused, self.partly, self.others, self.skipped)
