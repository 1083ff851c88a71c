"""The fields of requests that change log levels."""

import datetime
import json
import logging
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from c2casgiutils import config
from c2casgiutils.config._types import checked_by, in_plain_words, parse_duration, read_by
from c2casgiutils.config.tools import LEAST_LEVEL_TTL, MOST_LEVEL_TTL
from c2casgiutils.switches import CLUSTER
from c2casgiutils.switches._reason import Reason
from c2casgiutils.tools import _level_values

_LEAST_SHORT_TTL = datetime.timedelta(seconds=1)
_MOST_SHORT_TTL = datetime.timedelta(hours=1)
_NAME_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 30}
_NUMBER_SCHEMA = {"type": "integer", "minimum": 0, "maximum": _level_values.MAX_NUMBER}


def parse_ttl(value: Any) -> datetime.timedelta:
    """Return the duration of a request: a text, or a number of seconds.

    Raises:
        ValueError: It is neither; the message contains what was sent, and says what is accepted.
    """
    if isinstance(value, str):
        return parse_duration(value)
    try:
        text = json.dumps(value)  # as it was sent: `true`, not `True`
    except RecursionError:
        text = "deeply nested"
    return parse_duration(text)


def _parse_level_ttl(value: Any) -> datetime.timedelta | None:
    if value is None:
        return None
    ttl = parse_ttl(value)
    if not LEAST_LEVEL_TTL <= ttl <= MOST_LEVEL_TTL:
        raise ValueError("a ttl must be from 1 second to 7 days, or null for no end")
    return ttl


def _parse_short_ttl(value: Any) -> datetime.timedelta:
    ttl = parse_ttl(value)
    if not _LEAST_SHORT_TTL <= ttl <= _MOST_SHORT_TTL:
        raise ValueError("a ttl must be from 1 second to 1 hour")
    return ttl


ShortTtl = Annotated[
    datetime.timedelta,
    read_by(_parse_short_ttl),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "number"}],
            "description": "A duration (`10m`, `PT1H`) or seconds, 1 s to 1 h.",
        }
    ),
]
LoggerName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_level_values.MAX_NAME_LENGTH,
        description="The name of a logger, or `root`.",
    ),
    checked_by(_level_values.checked_name),
]
LevelName = Annotated[
    int,
    read_by(_level_values.parse_name),
    WithJsonSchema({**_NAME_SCHEMA, "description": "The name of a level, in any case."}),
]
Level = Annotated[
    int,
    read_by(_level_values.parse),
    WithJsonSchema(
        {
            "anyOf": [_NAME_SCHEMA, _NUMBER_SCHEMA],
            "description": "The name of a level, in any case, or its number.",
        }
    ),
]
ScopeName = Annotated[
    str,
    Field(
        min_length=1,
        description="`cluster`, `process` for the responding one, or the id of a process.",
    ),
]
Ttl = Annotated[
    datetime.timedelta | None,
    read_by(_parse_level_ttl),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}],
            "description": (
                "A duration (`10m`, `PT1H`) or seconds, 1 s to 7 days; null for no end; by default "
                "`C2C__TOOLS__LOGGING__TTL` for levels below INFO, and no end for others."
            ),
        }
    ),
]


class LevelRequest(BaseModel):
    """A level to set."""

    name: LoggerName
    level: LevelName

    @field_validator("level")
    @classmethod
    @in_plain_words
    def _check_allowed(cls, level: int, info: ValidationInfo) -> int:
        _level_values.check_allowed(info.data.get("name", ""), level)
        return level


class LevelChange(BaseModel):
    """A level to set, with an optional end."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    level: Level
    ttl: Ttl = None
    scope: ScopeName = CLUSTER
    reason: Reason | None = None

    def seconds(self) -> float | None:
        """Return the time until the level ends, `None` for no end."""
        if "ttl" in self.model_fields_set:
            return None if self.ttl is None else self.ttl.total_seconds()
        default = config.settings.tools.logging.ttl.total_seconds()
        return default if default and self.level < logging.INFO else None
