"""The root of the settings."""

import datetime
import re
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from c2casgiutils.config._environment import OLDER_NAMES, PREFIX, EnvironmentSource
from c2casgiutils.config._errors import describe, end_start
from c2casgiutils.config._types import NotNegativeDuration, checked_by
from c2casgiutils.config.auth import Auth, contradictions
from c2casgiutils.config.db import Database, contradictions_of_database
from c2casgiutils.config.debug import Debug
from c2casgiutils.config.health import Health
from c2casgiutils.config.instances import Instances
from c2casgiutils.config.prometheus import Prometheus
from c2casgiutils.config.proxy_headers import ProxyHeaders
from c2casgiutils.config.redis import Redis, missing_of_sentinels, several_addresses, shared_prefix
from c2casgiutils.config.request_tracking import RequestTracking
from c2casgiutils.config.responses import Json
from c2casgiutils.config.sentry import Sentry
from c2casgiutils.config.stats_db import StatsDb
from c2casgiutils.config.tools import Tools


def _normalise_prefix(value: str) -> str:
    if not re.fullmatch(r"[\w.~!$&'()*+,;=:@%/-]*", value, re.ASCII):
        raise ValueError("must be a path such as /api/")
    parts = [part for part in value.split("/") if part]
    return "/" + "".join(f"{part}/" for part in parts)


class Settings(BaseSettings):
    """All settings, read from the environment variables `C2C__...`.

    Raises:
        ConfigurationError: A value is invalid; standard error has one line for each invalid variable.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="ignore",
        validate_assignment=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    redis: Redis = Field(default_factory=Redis)
    db: Database = Field(default_factory=Database)
    stats_db: StatsDb = Field(default_factory=StatsDb)
    prometheus: Prometheus = Field(default_factory=Prometheus)
    sentry: Sentry = Field(default_factory=Sentry)
    auth: Auth = Field(default_factory=Auth)
    tools: Tools = Field(default_factory=Tools)
    health: Health = Field(default_factory=Health)
    debug: Debug = Field(default_factory=Debug)
    instances: Instances = Field(default_factory=Instances)
    proxy_headers: ProxyHeaders = Field(default_factory=ProxyHeaders)
    request_tracking: RequestTracking = Field(default_factory=RequestTracking)
    json_responses: Json = Field(default_factory=Json, validation_alias=f"{PREFIX}JSON")  # not BaseModel.json
    http: bool = Field(
        default=False, description="Development over plain HTTP: cookies are sent without `Secure`"
    )
    route_prefix: Annotated[str, checked_by(_normalise_prefix)] = Field(
        default="/", description="Path prefix under which everything is mounted"
    )
    drain_wait: NotNegativeDuration = Field(
        default=datetime.timedelta(seconds=5),
        description="Time between SIGTERM, when readiness fails, and the stop",
    )
    development: bool = Field(default=False, description="Show details to developers; not for production")

    def __init__(self, **values: Any) -> None:
        problems: list[str] = []
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = describe(error, PREFIX, {newer: older for older, newer in OLDER_NAMES.items()})
        except SettingsError as error:
            problems = [str(error)]
        if problems:
            end_start(problems)

    def check(self) -> None:
        """Check the combinations of values, when the settings of the process are read for the first time.

        Raises:
            ConfigurationError: An incomplete GitHub configuration, GitHub without a key for sessions,
                `SameSite=None` for a cookie that is not secure, sentinels without a service, several
                addresses without a cluster, messages that are signed under the default prefix, a replica
                without its primary, or a setting of the database that lacks another one.
        """
        problems = [
            *contradictions(self.auth, http=self.http),
            *missing_of_sentinels(self.redis),
            *several_addresses(self.redis),
            *shared_prefix(self.redis),
            *contradictions_of_database(self.db, has_key=bool(self.auth.jwt.secret)),
        ]
        if problems:
            end_start(problems)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # replaced
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment with the rules of this library."""
        return init_settings, EnvironmentSource(settings_cls), dotenv_settings, file_secret_settings
