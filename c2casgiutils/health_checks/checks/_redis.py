"""The check of Redis."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from c2casgiutils import broadcast, config, redis_utils
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result
from c2casgiutils.redis_utils._failures import is_failure

_OTHERS_SECONDS = 0.5


class Redis(Check):
    """Passes if Redis replies, both master and replica, and optionally accepts writes.

    It proves that the servers used by the application reply to a PING within the timeout of the check; with
    `write` also that the master stores a value (it does not when it is out of memory, read-only or short of
    replicas). An unreachable replica, or one that has lost its master, is a warning: reads then go to the
    master. The check fails if Redis has not confirmed the broadcast subscriptions of the process. Without
    `write`, it does not prove that there is memory left.

    If Redis is not configured, the check is skipped. With Sentinel, the payload contains what the sentinels
    know.

    Args:
        tags: Tags to select the check by.
        write: Store a small value with an expiry at each run.
    """

    def __init__(self, tags: list[str] | None = None, *, write: bool = False) -> None:
        super().__init__(tags)
        self.write = write

    async def check(self) -> Result:
        """Query the master, the replica and the sentinels."""
        master, slave, sentinel = redis_utils.get()
        if master is None:
            return Result(payload={"message": "Redis is not configured"}, status="skip")
        payload: dict[str, Any] = {"master": await self._master(master)}
        if broadcast.is_listening() is False:
            raise JsonCheckError("not subscribed: messages of other processes are not received", payload)
        self.doing = "waiting for the replica and the sentinels"
        others = await asyncio.gather(
            *([_bounded(_slave_state(slave))] if slave is not None and slave is not master else []),
            *(_bounded(_sentinel_state(client)) for client in (sentinel.sentinels if sentinel else ())),
        )
        if sentinel is not None:
            payload["sentinels"] = others[-len(sentinel.sentinels) :]
        if slave is not None and slave is not master:
            payload["slave"] = others[0]
        warn = any("error" in state or state.get("master_link_status") == "down" for state in others)
        return Result(payload=payload, status="warn" if warn else "pass")

    async def _master(self, master: Any) -> dict[str, Any]:
        self.doing = "waiting for the master"
        await master.ping()
        if self.write:
            await self._write(master)
        return await _replication(master)

    async def _write(self, master: Any) -> None:
        from redis.exceptions import ResponseError

        self.doing: str | None = "waiting for a write"
        try:
            await master.set(redis_utils.scoped("health"), "1", px=10_000)
        except ResponseError as error:
            raise JsonCheckError(f"Redis replies but does not accept writes: {error}") from error


async def _bounded(state: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Return the state of a non-vital server, or its error, within a limited time."""
    try:
        async with asyncio.timeout(_OTHERS_SECONDS):
            return await state
    except TimeoutError:
        return {"error": f"no reply within {_OTHERS_SECONDS:g} s"}
    except Exception as error:
        if not is_failure(error):
            raise
        return {"error": str(error)}


async def _slave_state(slave: Any) -> dict[str, Any]:
    await slave.ping()
    return await _replication(slave)


async def _replication(node: Any) -> dict[str, Any]:
    from redis.exceptions import RedisError

    try:
        info = await node.info("replication")
    except RedisError as error:  # no permission for INFO, but PING succeeded
        return {"info": str(error)}
    keys = ("role", "connected_slaves", "master_link_status", "master_last_io_seconds_ago")
    return {key: info[key] for key in keys if key in info}


async def _sentinel_state(client: Any) -> dict[str, Any]:
    state = await client.sentinel_master(config.settings.redis.servicename)
    keys = ("ip", "port", "flags", "num-slaves", "num-other-sentinels", "quorum")
    return {key: _plain(state[key]) for key in keys if key in state}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value
