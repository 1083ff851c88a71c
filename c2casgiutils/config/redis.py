"""Settings of Redis."""

from typing import Any

from c2casgiutils.config._types import Group, Secret


class Redis(Group):
    """Where Redis is and how the processes talk over it."""

    url: Secret | None = None
    options: dict[str, Any] = {}
    sentinels: str | None = None
    servicename: str | None = None
    db: int = 0
    broadcast_prefix: str = "broadcast_api_"
    broadcast_secret: Secret | None = None
    cluster: bool = False
