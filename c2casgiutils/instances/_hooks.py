"""What higher layers add to each heartbeat, and the callbacks that get its result."""

import logging
from collections.abc import Callable
from typing import Any

from c2casgiutils._outages import Outage
from c2casgiutils.redis_utils._link import WRONG_TYPE, ReplyError

_LOGGER = logging.getLogger(__name__)
_MAX_DIGITS = 16


class Guarded:
    """A function of another layer whose exceptions are logged, once until it succeeds again.

    Args:
        function: The function; it must be quick.
        what: Description of what it does, for the log.
    """

    def __init__(self, function: Callable[..., Any], what: str) -> None:
        self.function = function
        self._fault = Outage(
            _LOGGER, f"{what} failed: %s", f"{what} works again after %.1f s", level=logging.ERROR
        )

    def __call__(self, *arguments: Any) -> Any:
        """Return the result of the function, or `None` if it raised."""
        try:
            result = self.function(*arguments)
        except Exception as error:  # noqa: BLE001  # code of another layer
            self._fault.begin(error)
            return None
        self._fault.end()
        return result


class Hooks:
    """The registered fields of the beat, and the callbacks for the version of the desired state."""

    def __init__(self) -> None:
        self._fields: dict[str, Guarded] = {}
        self._static_fields: dict[str, Guarded] = {}
        self._on_version: list[Guarded] = []
        self._on_loss: list[Guarded] = []

    def register_beat(self, field: str, read: Callable[[], Any]) -> None:
        """Add a field to the beat, or replace the one with the same name."""
        self._fields[field] = Guarded(read, f"Reading {field} for the roster")

    def register_static(self, field: str, read: Callable[[], Any]) -> None:
        """Add a field to the static part, or replace the one with the same name."""
        self._static_fields[field] = Guarded(read, f"Reading {field} for the roster")

    def read_fields(self) -> dict[str, Any]:
        """Return the fields of the beat; those that are `None` or cannot be read are left out."""
        return _read(self._fields)

    def read_static_fields(self) -> dict[str, Any]:
        """Return the fields of the static part, with the same exceptions."""
        return _read(self._static_fields)

    def on_version(self, callback: Callable[[int], object]) -> None:
        """Add a callback, unless it is already there."""
        if all(known.function != callback for known in self._on_version):
            self._on_version.append(Guarded(callback, "Checking the version of the switches"))

    def on_loss(self, callback: Callable[[], object]) -> None:
        """Add a callback, unless it is already there."""
        if all(known.function != callback for known in self._on_loss):
            self._on_loss.append(Guarded(callback, "Restoring what Redis lost"))

    def clear(self) -> None:
        """Remove all fields and callbacks."""
        self._fields.clear()
        self._static_fields.clear()
        self._on_version.clear()
        self._on_loss.clear()

    def tell_loss(self) -> None:
        """Call the callbacks, as Redis lost its data."""
        for callback in list(self._on_loss):
            callback()

    def tell_version(self, reply: object) -> None:
        """Call the callbacks with the version that Redis holds.

        Args:
            reply: The reply of Redis; anything but a number counts as 0, also a key of another type. Other
                errors are ignored.
        """
        if isinstance(reply, ReplyError) and reply.code == WRONG_TYPE:
            reply = None
        if reply is not None and not isinstance(reply, bytes):
            return
        version = int(reply) if reply and reply.isdigit() and len(reply) <= _MAX_DIGITS else 0
        for callback in list(self._on_version):
            callback(version)


def _read(fields: dict[str, Guarded]) -> dict[str, Any]:
    found = {name: read() for name, read in list(fields.items())}
    return {name: value for name, value in found.items() if value is not None}
