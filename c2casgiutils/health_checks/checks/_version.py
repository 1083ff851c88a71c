"""The check of deployed versions."""

import time

from c2casgiutils import instances
from c2casgiutils._numbers import check_seconds
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result


class Version(Check):
    """Passes if all processes of the roster run the same git hash.

    It proves that a deployment has reached every running process. During a deployment it is a warning, and a
    failure if that takes too long. Without `versions.json` it is skipped. It does not see processes that have
    lost the connection to Redis.

    Args:
        tags: Tags to select the check by.
        deployment_seconds: Time for which different versions are only a warning.
    """

    def __init__(self, tags: list[str] | None = None, *, deployment_seconds: float = 600) -> None:
        super().__init__(tags)
        check_seconds(deployment_seconds, "deployment_seconds")
        self.deployment_seconds = deployment_seconds
        self._since: float | None = None

    async def check(self) -> Result:
        """Compare the processes."""
        own = instances.own().git_hash
        if own is None:
            return Result(payload={"message": "The version is unknown: no versions.json"}, status="skip")
        self.doing: str | None = "waiting for the roster"
        roster = await instances.living()
        versions: dict[str, int] = {}
        for instance in roster:
            key = instance.git_hash or "unknown"
            versions[key] = versions.get(key, 0) + 1
        if len(versions) <= 1:
            self._since = None
            return Result(payload={"version": own, "count": len(roster)})
        now = time.monotonic()
        self._since = self._since or now
        payload = {"version": own, "versions": versions}
        if now - self._since > self.deployment_seconds:
            raise JsonCheckError("Different versions have been running for too long", payload)
        return Result(payload=payload, status="warn")
