"""Draining as a kind of switch: set in single processes, until they end."""

from collections.abc import Collection, Mapping

from c2casgiutils import switches
from c2casgiutils.health_checks._factory import FACTORY
from c2casgiutils.switches import Setting, SwitchReport

MAX_SECONDS = 86_400.0


class Draining(switches.Kind):
    """Whether this process is taken out of service."""

    name = "drain"

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        for setting in changes.values():
            if setting is None:
                FACTORY.service.drain.end()
            else:
                FACTORY.service.drain.begin(setting.expires_at)


async def drain(
    ids: Collection[str], *, seconds: float | None = None, by: str | None = None
) -> tuple[list[str], SwitchReport]:
    """Take processes out of service, and return which of them confirmed it.

    Args:
        ids: Their ids.
        seconds: Time after which they are ready again; by default they stay out of service.
        by: Who requests it.
    """
    return _result(ids, await switches.put(Draining.name, "", value=True, ttl=seconds, by=by, to=ids))


async def undrain(ids: Collection[str], *, by: str | None = None) -> tuple[list[str], SwitchReport]:
    """Put processes back into service, and return which of them confirmed it."""
    return _result(ids, await switches.remove(Draining.name, "", by=by, to=ids))


def _result(ids: Collection[str], change: switches.Change) -> tuple[list[str], SwitchReport]:
    is_complete = change.report.complete and set(ids) <= set(change.instances)
    return list(change.instances), change.report.model_copy(update={"complete": is_complete})
