"""What a switch is for the part of the package (or the application) that obeys it."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CLUSTER = "cluster"
"""The scope of a value that every process of the service has."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force.

    Attributes:
        value: The value, as JSON has it.
        version: The version of the desired state with which it came.
        since: When it was set, in seconds since 1970 by the clock of Redis.
        expires: When it ends, by the same clock; `None` when it has no end.
        by: Who set it.
        reason: Why.
        scope: `cluster`, or the id of the only instance that has it.
    """

    value: Any
    version: int
    since: float
    expires: float | None = None
    by: str | None = None
    reason: str | None = None
    scope: str = CLUSTER

    @property
    def expires_at(self) -> datetime.datetime | None:
        """When it ends, in UTC."""
        if self.expires is None:
            return None
        return datetime.datetime.fromtimestamp(round(self.expires, 3), tz=datetime.UTC)


class Kind(ABC):
    """A kind of switches: log levels for example, of which each logger has one.

    Attributes:
        name: Its name in the store, of lower-case letters and `_`.
    """

    name: str

    def check(self, key: str, value: Any) -> None:  # noqa: B027  # accepting everything is a choice
        """Refuse a value that cannot be applied; accepts all of them by default.

        Called in the process that asks for a change, and in each process before it applies one: another
        release may know other values.

        Args:
            key: Which switch of the kind.
            value: The value.

        Raises:
            ValueError: Says what is accepted.
        """

    @abstractmethod
    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """Bring this process to the desired state; called on the event loop, must be quick.

        Args:
            changes: By key the values that are in force now, `None` where there is no value any more.
        """

    async def inherit(self) -> Mapping[str, Any]:
        """Return the values that an earlier release kept elsewhere, by key; asked for once for each service.

        Raises:
            Exception: They cannot be read now; asked for again later.
        """
        return {}
