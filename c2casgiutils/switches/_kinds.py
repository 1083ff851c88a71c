"""The interface between the switches and the code that applies them."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CLUSTER = "cluster"
"""The scope of a value that applies to every process of the service."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in effect.

    Attributes:
        value: The value, as JSON data.
        version: The version of the desired state that introduced it.
        since: When it was set, in seconds since 1970 by the clock of Redis.
        expires: When it ends, by the same clock; `None` for no end.
        by: Who set it.
        reason: Why.
        scope: `cluster`, or the id of the only instance it applies to.
    """

    value: Any
    version: int
    since: float
    expires: float | None = None
    by: str | None = None
    reason: str | None = None
    scope: str = CLUSTER

    @property
    def since_at(self) -> datetime.datetime:
        """When it was set, in UTC."""
        return _utc(self.since)

    @property
    def expires_at(self) -> datetime.datetime | None:
        """When the value ends, in UTC."""
        return None if self.expires is None else _utc(self.expires)


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(round(seconds, 3), tz=datetime.UTC)


class Kind:
    """A kind of switch, for example log levels, with one switch for each logger.

    Attributes:
        name: Its name in the store, of lower-case letters and `_`.
    """

    name: str

    def check(self, key: str, value: Any) -> None:
        """Reject a value that cannot be applied; by default, all values are accepted.

        Called in the process that requests a change, and in each process before it applies one: another
        release may support other values.

        Args:
            key: The key of the switch.
            value: The value.

        Raises:
            ValueError: The value is rejected; the text says what is accepted.
        """

    def admit(self, key: str, value: Any) -> None:
        """Reject a new value that `check` accepts, a quota for example; by default, all are admitted.

        Called in the process that requests a change, or in the instance that alone gets the value; not called
        for values that are stored already. If another process changes a switch at the same moment, it is
        called again after that change: a quota on what `desired` returns holds for the whole cluster.

        Args:
            key: The key of the switch.
            value: The value.

        Raises:
            ValueError: The value is rejected; the text says why.
        """

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """Apply changed values to this process; called on the event loop, must be quick.

        Does nothing by default, for a kind whose values are read with `current`.

        Args:
            changes: By key, the values that are in effect now, or `None` for those that were removed or have
                ended.

        Raises:
            NotAppliedError: Some values cannot be applied; all others have been.
        """

    async def inherit(self) -> Mapping[str, Any]:
        """Return the values that an earlier release stored elsewhere, by key; called once for each service.

        Raises:
            Exception: They cannot be read now; the call is repeated later.
        """
        return {}
