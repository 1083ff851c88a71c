"""The root of the settings."""

import datetime
from typing import Any

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from c2casgiutils.config._types import Duration
from c2casgiutils.config.auth import Auth
from c2casgiutils.config.prometheus import Prometheus
from c2casgiutils.config.redis import Redis
from c2casgiutils.config.sentry import Sentry
from c2casgiutils.config.tools import Health, Instances, ProxyHeaders, Tools


class Settings(BaseSettings):
    """All settings, read from the environment variables `C2C__...`."""

    model_config = SettingsConfigDict(
        env_prefix="C2C__", env_nested_delimiter="__", extra="ignore", validate_assignment=True
    )

    redis: Redis = Redis()
    prometheus: Prometheus = Prometheus()
    sentry: Sentry = Sentry()
    auth: Auth = Auth()
    tools: Tools = Tools()
    health: Health = Health()
    instances: Instances = Instances()
    proxy_headers: ProxyHeaders = ProxyHeaders()
    http: bool = False
    route_prefix: str = "/"
    drain_wait: Duration = datetime.timedelta(seconds=5)
    development: bool = False

    @field_validator("route_prefix", mode="after")
    @classmethod
    def _normalise_prefix(cls, value: Any) -> Any:
        return "/" + value.strip("/") + "/" if value.strip("/") else "/"
