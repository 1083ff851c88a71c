"""The check of Redis."""

import importlib
from typing import Any

from c2casgiutils.health_checks._model import Check, Result


class Redis(Check):
    """Redis answers a PING, master and replica.

    It does not prove that Redis accepts writes or that messages arrive. Without a configured Redis the check
    is skipped.
    """

    async def check(self) -> Result:
        """Ask the master and the replica."""
        redis_utils: Any = importlib.import_module("c2casgiutils.redis_utils")
        master, slave, _ = redis_utils.get()
        if master is None:
            return Result(payload={"message": "Redis is not configured"}, status="skip")
        nodes: dict[str, Any] = {"master": master}
        if slave is not None and slave is not master:
            nodes["slave"] = slave
        payload: dict[str, Any] = {}
        for name, node in nodes.items():
            self.doing = f"waiting for the {name}"
            await node.ping()
            payload[name] = "ok"
        return Result(payload=payload)
