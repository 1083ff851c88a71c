"""A change before it has a version."""

from dataclasses import dataclass
from typing import Any

from c2casgiutils.switches._kinds import CLUSTER, Setting


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

    def setting(self, version: int, now: float, scope: str = CLUSTER) -> Setting | None:
        """Return the value with its version, `None` for a removal."""
        if self.value is None:
            return None
        expires = None if self.ttl is None else now + self.ttl
        return Setting(self.value, version, now, expires, self.by, self.reason, scope)
