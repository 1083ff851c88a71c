"""Find one process of the service by its id."""

from c2casgiutils import redis_utils
from c2casgiutils._errors import C2cError
from c2casgiutils._names import listed
from c2casgiutils._outages import RedisUnavailableError
from c2casgiutils.instances._model import Instance
from c2casgiutils.instances._slot import currency, roster, scope

_MAX_NAMED = 20


class UnknownInstanceError(C2cError, LookupError):
    """No process of the service has this id."""


class UnseenInstanceError(RedisUnavailableError):
    """It cannot be told now whether a process has this id; a view answers 503."""


def is_cut_off() -> bool:
    """Return whether other processes may exist but cannot be seen, because Redis is unreachable."""
    return redis_utils.is_configured() and scope() == "process"


async def find(id_: str, *, with_lost: bool = False) -> Instance:
    """Return the process with an id.

    Args:
        id_: The id.
        with_lost: A process that is lost counts, too.

    Raises:
        UnknownInstanceError: No process has it, or one that is lost; the message says so, or names those that
            are known.
        UnseenInstanceError: No process that is seen has it, and some may not be seen now.
    """
    known = {instance.id: instance for instance in await roster()}
    found = known.get(id_)
    if found is not None:
        if with_lost or found.liveness != "lost":
            return found
        raise UnknownInstanceError(f"Process {id_} is lost: it sends no heartbeats")
    counted = (one.id for one in known.values() if with_lost or one.liveness != "lost")
    named = listed(sorted(counted), most=_MAX_NAMED)
    if is_cut_off():
        raise UnseenInstanceError(f"Redis is unreachable, only this process is visible: {named}")
    if currency() == "stale":
        raise UnseenInstanceError(f"The list of processes is being rebuilt, try again; seen: {named}")
    raise UnknownInstanceError(f"Unknown instance; known: {named}")
