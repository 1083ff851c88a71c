"""A change before it has a version."""

from dataclasses import dataclass
from typing import Any

from c2casgiutils._numbers import check_seconds
from c2casgiutils._secrets import scrub
from c2casgiutils.config._texts import check_printable
from c2casgiutils.switches._entry import MAX_REASON_LENGTH
from c2casgiutils.switches._kinds import CLUSTER, Setting

MAX_TTL_SECONDS = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A requested change.

    Attributes:
        value: The value, `None` to remove the switch.
        ttl: Seconds until the value ends; `None` for no end.
        by: Who requests it.
        reason: Why; secrets in it are masked, as it is stored, sent and shown to every reader.
    """

    value: Any
    ttl: float | None = None
    by: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Check the fields, and mask the reason.

        Raises:
            ValueError: The time until the end or the reason is not valid.
        """
        if self.ttl is not None:
            check_seconds(self.ttl, "ttl", most=MAX_TTL_SECONDS)
        if self.reason is not None:
            check_printable(self.reason or "", "reason", MAX_REASON_LENGTH)
            # the mask may be longer than what it hides
            object.__setattr__(self, "reason", scrub(self.reason)[:MAX_REASON_LENGTH])

    def setting(self, version: int, now: float, scope: str = CLUSTER) -> Setting | None:
        """Return the value with its version, `None` for a removal."""
        if self.value is None:
            return None
        expires = None if self.ttl is None else now + self.ttl
        return Setting(self.value, version, now, expires, self.by, self.reason, scope)
