"""What an earlier release kept elsewhere, taken over once for each service."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from c2casgiutils.switches._kinds import Kind, Setting

_LOGGER = logging.getLogger(__name__)


class Inherited(Kind):
    """The kinds that were taken over: the key is the name of the kind, the value the number of switches."""

    name = "inherited"

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """Do nothing: that it stands there is all."""


def is_heir(kind: Kind) -> bool:
    """Return whether a kind may have values of an earlier release."""
    return type(kind).inherit is not Kind.inherit


async def read_inherited(kind: Kind, *, seconds: float) -> dict[str, Any] | None:
    """Return the values of an earlier release that can be applied, `None` when they cannot be read now."""
    try:
        async with asyncio.timeout(seconds):
            found = await kind.inherit()
    except Exception as error:  # noqa: BLE001  # the kind may raise anything
        _LOGGER.warning(
            "Switches of the kind %s cannot be taken over now: %s", kind.name, type(error).__name__
        )
        return None
    accepted = {}
    for key, value in found.items():
        try:
            kind.check(key, value)
        except ValueError as error:
            _LOGGER.warning("The %s of an earlier release of %r is skipped: %s", kind.name, key[:200], error)
        else:
            accepted[key] = value
    return accepted
