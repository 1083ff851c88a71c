"""The maintenance flag that c2cwsgiutils stored in Redis."""

import logging
from typing import Any

from c2casgiutils import config, redis_utils

_LOGGER = logging.getLogger(__name__)

_KEY = "c2c_db_maintenance_force_readonly"


async def read() -> bool:
    """Return whether the flag is set.

    It is not signed, so with `C2C__REDIS__BROADCAST_SECRET` it is not accepted: anybody who can write to
    Redis may have stored it.

    Raises:
        RedisError: Redis is unreachable.
    """
    master: Any = redis_utils.get()[0]
    if master is None:
        return False
    from redis.exceptions import ResponseError

    try:
        value = await master.execute_command("GET", _KEY, NEVER_DECODE=True)
    except ResponseError as error:  # of another type, or not readable for this user
        _LOGGER.warning("The maintenance flag of c2cwsgiutils was skipped: %s", error)
        return False
    if value != b"true":
        return False
    if config.settings.redis.broadcast_secret:
        _LOGGER.warning(
            "The maintenance that c2cwsgiutils stored is not taken over, as it is not signed with "
            "C2C__REDIS__BROADCAST_SECRET; begin it again if needed"
        )
        return False
    return True
