"""Find one process of the service by its id."""

from c2casgiutils import redis_utils
from c2casgiutils._errors import C2cError
from c2casgiutils._outages import RedisUnavailableError
from c2casgiutils.instances._model import Instance
from c2casgiutils.instances._slot import currency, living, roster, scope

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
        UnknownInstanceError: No process has it; the message names those that are known.
        UnseenInstanceError: No process that is seen has it, and some may not be seen now.
    """
    known = {instance.id: instance for instance in await (roster() if with_lost else living())}
    if id_ in known:
        return known[id_]
    named = ", ".join(sorted(known)[:_MAX_NAMED])
    if is_cut_off():
        raise UnseenInstanceError(f"Redis is unreachable, only this process is visible: {named}")
    if currency() == "stale":
        raise UnseenInstanceError(f"The list of processes is being rebuilt, try again; seen: {named}")
    raise UnknownInstanceError(f"Unknown instance; known: {named}")
