"""The check of Redis."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from c2casgiutils import broadcast, config, redis_utils
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result

_OTHERS_SECONDS = 0.5


class Redis(Check):
    """Redis answers, master and replica, and takes writes if asked.

    It proves that the servers which the application uses answer a PING within the time of the check; with
    `write` also that the master stores a value (it does not when it is out of memory, read-only or short of
    replicas). A replica that is unreachable or has lost its master is a warning: reads go to the master then.
    A process that is deaf, that is whose broadcast subscriptions Redis does not confirm, fails. It does not
    prove that there is memory left, without `write`.

    Without a configured Redis the check is skipped. With Sentinel the payload shows
    what the sentinels know.

    Args:
        tags: Words to select the check by.
        write: Store a small value that expires by itself at each run.
    """

    def __init__(self, tags: list[str] | None = None, *, write: bool = False) -> None:
        super().__init__(tags)
        self.write = write

    async def check(self) -> Result:
        """Ask the master, the replica and the sentinels."""
        master, slave, sentinel = redis_utils.get()
        if master is None:
            return Result(payload={"message": "Redis is not configured"}, status="skip")
        payload: dict[str, Any] = {"master": await self._master(master)}
        if broadcast.is_listening() is False:
            raise JsonCheckError("deaf: the messages of the other processes do not arrive", payload)
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

        self.doing = "waiting for a write"
        try:
            await master.set(redis_utils.scoped("health"), "1", px=10_000)
        except ResponseError as error:
            raise JsonCheckError(f"Redis answers but takes no writes: {error}") from error


async def _bounded(state: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Return the state of a server that is not vital, or its error: it must not take all the time."""
    from redis.exceptions import RedisError

    try:
        async with asyncio.timeout(_OTHERS_SECONDS):
            return await state
    except TimeoutError:
        return {"error": f"no answer within {_OTHERS_SECONDS:g} s"}
    except (RedisError, OSError) as error:
        return {"error": str(error)}


async def _slave_state(slave: Any) -> dict[str, Any]:
    await slave.ping()
    return await _replication(slave)


async def _replication(node: Any) -> dict[str, Any]:
    from redis.exceptions import RedisError

    try:
        info = await node.info("replication")
    except RedisError as error:  # a user without the right to INFO: the PING was answered all the same
        return {"info": str(error)}
    keys = ("role", "connected_slaves", "master_link_status", "master_last_io_seconds_ago")
    return {key: info[key] for key in keys if key in info}


async def _sentinel_state(client: Any) -> dict[str, Any]:
    state = await client.sentinel_master(config.settings.redis.servicename)
    keys = ("ip", "port", "flags", "num-slaves", "num-other-sentinels", "quorum")
    return {key: _plain(state[key]) for key in keys if key in state}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value
