"""Values of an earlier release that were stored elsewhere, migrated once for each service."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from c2casgiutils.switches._entry import shown
from c2casgiutils.switches._kinds import Kind, Setting

_LOGGER = logging.getLogger(__name__)


class Inherited(Kind):
    """The kinds that were migrated: the key is the name of the kind, the value the number of its switches."""

    name = "inherited"

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """Do nothing: only the stored entry matters."""


def is_heir(kind: Kind) -> bool:
    """Return whether a kind can migrate values of an earlier release."""
    return type(kind).inherit is not Kind.inherit


async def read_inherited(kind: Kind, *, seconds: float) -> dict[str, Any] | None:
    """Return the values of an earlier release that can be applied, `None` if they cannot be read now."""
    try:
        async with asyncio.timeout(seconds):
            found = await kind.inherit()
    except Exception as error:  # noqa: BLE001  # the kind may raise anything
        _LOGGER.warning("Could not migrate switches of the kind %s: %s", kind.name, type(error).__name__)
        return None
    accepted = {}
    for key, value in found.items():
        try:
            kind.check(key, value)
        except ValueError as error:
            problem = shown(str(error))
            _LOGGER.warning(
                "Skipping the %s of %r from an earlier release: %s", kind.name, shown(key), problem
            )
        else:
            accepted[key] = value
    return accepted
