"""What higher layers add to each beat, and learn from it."""

import logging
from collections.abc import Callable
from typing import Any

from c2casgiutils._outages import Outage

_LOGGER = logging.getLogger(__name__)
_MAX_DIGITS = 16


class Guarded:
    """A function of another layer: what it raises is logged, once until it works again.

    Args:
        function: The function; must be quick.
        what: What it does, for the log.
    """

    def __init__(self, function: Callable[..., Any], what: str) -> None:
        self.function = function
        self._fault = Outage(
            _LOGGER, f"{what} failed: %s", f"{what} works again after %.1f s", level=logging.ERROR
        )

    def __call__(self, *arguments: Any) -> Any:
        """Return its result, `None` when it failed."""
        try:
            result = self.function(*arguments)
        except Exception as error:  # noqa: BLE001  # of another layer
            self._fault.begin(error)
            return None
        self._fault.end()
        return result


class Hooks:
    """The registered fields of the beat, and who wants to know the version of the desired state."""

    def __init__(self) -> None:
        self._fields: dict[str, Guarded] = {}
        self._static_fields: dict[str, Guarded] = {}
        self._on_version: list[Guarded] = []

    def register_beat(self, field: str, read: Callable[[], Any]) -> None:
        """Add a field to the beat; the same name again replaces it."""
        self._fields[field] = Guarded(read, f"Reading {field} for the roster")

    def register_static(self, field: str, read: Callable[[], Any]) -> None:
        """Add a field to what rarely changes; the same name again replaces it."""
        self._static_fields[field] = Guarded(read, f"Reading {field} for the roster")

    def read_fields(self) -> dict[str, Any]:
        """Return the fields of the beat; one that is `None` or cannot be read is absent."""
        return _read(self._fields)

    def read_static_fields(self) -> dict[str, Any]:
        """Return the fields of what rarely changes, likewise."""
        return _read(self._static_fields)

    def on_version(self, callback: Callable[[int], object]) -> None:
        """Add a callback, once."""
        if all(known.function != callback for known in self._on_version):
            self._on_version.append(Guarded(callback, "Comparing the version of the switches"))

    def clear(self) -> None:
        """Forget all of them."""
        self._fields.clear()
        self._static_fields.clear()
        self._on_version.clear()

    def tell_version(self, reply: object) -> None:
        """Tell the version that Redis holds.

        Args:
            reply: The reply of Redis; an error tells nothing, and what is not a number is as good as none.
        """
        if reply is not None and not isinstance(reply, bytes):
            return
        version = int(reply) if reply and reply.isdigit() and len(reply) <= _MAX_DIGITS else 0
        for callback in list(self._on_version):
            callback(version)


def _read(fields: dict[str, Guarded]) -> dict[str, Any]:
    found = {name: read() for name, read in list(fields.items())}
    return {name: value for name, value in found.items() if value is not None}
