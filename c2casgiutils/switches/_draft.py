"""A change before it has a version."""

from dataclasses import dataclass
from typing import Any

from c2casgiutils._numbers import check_seconds
from c2casgiutils.switches._kinds import CLUSTER, Setting

MAX_TTL_SECONDS = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A requested change.

    Attributes:
        value: The value, `None` to remove the switch.
        ttl: Seconds until the value ends; `None` for no end.
        by: Who requests it.
        reason: Why.
    """

    value: Any
    ttl: float | None = None
    by: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: The time until the end is not valid.
        """
        if self.ttl is not None:
            check_seconds(self.ttl, "ttl", most=MAX_TTL_SECONDS)

    def setting(self, version: int, now: float, scope: str = CLUSTER) -> Setting | None:
        """Return the value with its version, `None` for a removal."""
        if self.value is None:
            return None
        expires = None if self.ttl is None else now + self.ttl
        return Setting(self.value, version, now, expires, self.by, self.reason, scope)
