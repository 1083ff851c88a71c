"""Value types of the settings: secrets, durations, comma-separated lists, addresses."""

import datetime
import functools
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from c2casgiutils._secrets import MASK, scrub

_ISO_8601 = re.compile(
    r"P(?=.)(?:(?P<weeks>[0-9]+)W)?(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+(?:[.,][0-9]{1,6})?)S)?)?",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"(?=.)(?:(?P<weeks>[0-9]+)w)?(?:(?P<days>[0-9]+)d)?"
    r"(?:(?P<hours>[0-9]+)h(?:(?P<rest>[0-9]+)$)?)?(?:(?P<minutes>[0-9]+)m)?(?:(?P<seconds>[0-9]+)s)?"
    r"(?:(?P<milliseconds>[0-9]+)ms)?",
    re.IGNORECASE,
)
_SECONDS = re.compile(r"(?P<seconds>[0-9]+(?:\.[0-9]{1,6})?)")
_ACCEPTED_DURATIONS = (
    "accepted are ISO 8601 (PT1M, P1D), short (10m, 2h30, 1w2d3h4m5s, 200ms) and plain seconds (300, 0.2)"
)
_MAX_SHOWN_CHARACTERS = 40


def read_yaml(text: str, problem: str) -> Any:
    """Return what a text means as YAML.

    Raises:
        ValueError: It is not YAML, has a date or a number that does not exist, or is nested too deeply; the
            message is `problem`.
    """
    import yaml  # only needed when options are set

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError(problem) from None


def parse_duration(text: str | datetime.timedelta) -> datetime.timedelta:
    """Parse a duration.

    Accepted are ISO 8601 durations of weeks, days, hours, minutes and seconds (`PT1M`, `P1D`, `PT0.5S`),
    the short form (`10m`, `1w2d3h4m5s`, `200ms`; a bare number after the hours is minutes, `2h30`) and plain
    seconds (`300`, `0.2`). Years and months have no fixed length and are rejected.

    Args:
        text: The duration; a `timedelta` is returned unchanged.

    Raises:
        ValueError: `Invalid time delta: ...` for anything else; the message says what is accepted.
    """
    if isinstance(text, datetime.timedelta):
        return text
    shown = scrub(str(text))[:_MAX_SHOWN_CHARACTERS]
    invalid = ValueError(f"Invalid time delta: {shown!r}; {_ACCEPTED_DURATIONS}")
    if not isinstance(text, str):
        raise invalid
    value = text.strip()
    match = _SECONDS.fullmatch(value) or _ISO_8601.fullmatch(value) or _SHORT.fullmatch(value)
    if match is None:
        raise invalid
    try:
        parts = {unit: float(part.replace(",", ".")) for unit, part in match.groupdict().items() if part}
        parts["minutes"] = parts.get("minutes", 0) + parts.pop("rest", 0)
        return datetime.timedelta(**parts)
    except (OverflowError, ValueError):
        raise invalid from None


def _not_negative(value: datetime.timedelta) -> datetime.timedelta:
    if value < datetime.timedelta():
        raise ValueError("must not be negative")
    return value


def _positive(value: datetime.timedelta) -> datetime.timedelta:
    if value <= datetime.timedelta():
        raise ValueError("must be longer than zero")
    return value


def _a_second_or_more(value: datetime.timedelta) -> datetime.timedelta:
    if value < datetime.timedelta(seconds=1):
        raise ValueError("must be 1 second or longer")
    return value


def in_plain_words(check: Callable[..., Any]) -> Callable[..., Any]:
    """Raise the error of a check as one of pydantic, which otherwise prefixes it with "Value error, "."""

    @functools.wraps(check)
    def checked(*arguments: Any) -> Any:
        try:
            return check(*arguments)
        except ValueError as error:
            raise PydanticCustomError("value_error", "{message}", {"message": str(error)}) from None

    return checked


def checked_by(check: Callable[[Any], Any]) -> AfterValidator:
    """Return a validator that calls `check`; the message of its `ValueError` is shown unchanged."""
    return AfterValidator(in_plain_words(check))


def read_by(parse: Callable[[Any], Any]) -> BeforeValidator:
    """Return a validator that calls `parse` first; the message of its `ValueError` is shown unchanged."""
    return BeforeValidator(in_plain_words(parse))


Duration = Annotated[datetime.timedelta, read_by(parse_duration)]
NotNegativeDuration = Annotated[Duration, checked_by(_not_negative)]
PositiveDuration = Annotated[Duration, checked_by(_positive)]
CookieAge = Annotated[Duration, checked_by(_a_second_or_more)]
"""How long a browser keeps a cookie: `Max-Age` has whole seconds, and 0 deletes it (RFC 6265, 4.1.2.2)."""


def parse_comma_separated_list(value: str | list[str]) -> list[str]:
    """Split comma-separated text, dropping blanks and empty items; return a list unchanged."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def parse_comma_separated_int_list(value: str | list[int]) -> list[int]:
    """Parse comma-separated whole numbers; return a list unchanged.

    Raises:
        ValueError: An item is not a whole number.
    """
    return [int(item) for item in parse_comma_separated_list(value)] if isinstance(value, str) else value


def parse_comma_separated_float_list(value: str | list[float]) -> list[float]:
    """Parse comma-separated numbers; return a list unchanged.

    Raises:
        ValueError: An item is not a number.
    """
    return [float(item) for item in parse_comma_separated_list(value)] if isinstance(value, str) else value


_Split = BeforeValidator(parse_comma_separated_list)
StringList = Annotated[list[str], NoDecode, _Split]
IntList = Annotated[list[int], NoDecode, _Split]
FloatList = Annotated[list[float], NoDecode, _Split]


class MaskedStr(str):
    """A `str` whose `repr` is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


Secret = Annotated[
    str,
    AfterValidator(MaskedStr),
    PlainSerializer(lambda _: MASK, return_type=str, when_used="json"),
]
"""A `MaskedStr` that is masked in JSON dumps too."""

SecretList = Annotated[list[Secret], NoDecode, _Split]


def secrets_of(value: Any) -> Iterator[str]:
    """Return all secrets of a settings object, including those in groups, lists and dictionaries."""
    if isinstance(value, MaskedStr):
        yield str(value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_of(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from secrets_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from secrets_of(item)


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


AnyCase = BeforeValidator(_lower)
"""Validator before a `Literal` or an enumeration with lower-case values: accepts any case."""


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


AnyCaseOfUpper = BeforeValidator(_upper)
"""Validator before a `Literal` with upper-case values: accepts any case."""


_WRONG_PORT = (
    "has a port that is not a number from 0 to 65535; "
    "a password must have its characters / ? # percent-encoded (%2F, %3F, %23)"
)


def check_url(text: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """Return the text if it is an absolute URL with one of the schemes.

    Raises:
        ValueError: It is not; the message does not contain the value, which may hold a password.
    """
    accepted = f"must be an absolute URL that starts with {' or '.join(scheme + '://' for scheme in schemes)}"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(accepted) from None
    if parts.scheme not in schemes or re.search(r"\s", text):
        raise ValueError(accepted)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(_WRONG_PORT) from None
    if not (parts.hostname or parts.scheme == "unix"):
        raise ValueError(accepted)
    return text


def matches(pattern: str, accepted: str) -> AfterValidator:
    """Return a validator for values that fully match the pattern; `accepted` describes them in words."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {accepted}")
        return value

    return checked_by(check)


HttpUrl = Annotated[str, checked_by(check_url)]
Port = Annotated[int, Field(ge=0, le=65535)]
CookieName = Annotated[
    str, matches(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a cookie name (letters, digits and !#$%&'*+-.^_`|~)")
]


class Group(BaseModel):
    """A group of settings; an empty value counts as unset."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore", validate_assignment=True, hide_input_in_errors=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if not isinstance(value, str) or value.strip()}
