"""Value types of the settings: secrets, durations and comma-separated lists."""

import datetime
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import NoDecode

_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m?)?(?:(?P<seconds>\d+)s)?",
    re.IGNORECASE,
)


def parse_duration(text: str | datetime.timedelta) -> datetime.timedelta:
    """Read a duration (first cut).

    Raises:
        ValueError: `Invalid time delta: ...`.
    """
    if isinstance(text, datetime.timedelta):
        return text
    value = text.strip()
    if value.isascii() and value.isdigit():
        return datetime.timedelta(seconds=int(value))
    match = _ISO.fullmatch(value) or _SHORT.fullmatch(value)
    parts = {unit: int(number) for unit, number in match.groupdict().items() if number} if match else {}
    if not parts:
        raise ValueError(f"Invalid time delta: {text!r}")
    return datetime.timedelta(**parts)


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


Duration = Annotated[datetime.timedelta, BeforeValidator(parse_duration)]
StringList = Annotated[list[str], NoDecode, BeforeValidator(_split)]
IntList = Annotated[list[int], NoDecode, BeforeValidator(_split)]
FloatList = Annotated[list[float], NoDecode, BeforeValidator(_split)]


class Secret(str):
    """A string that compares and reads as `str` but does not show itself in `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


class Group(BaseModel):
    """A group of settings; an empty value counts as unset."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value != "" or key.startswith("tag_")}
