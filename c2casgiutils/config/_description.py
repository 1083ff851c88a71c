"""The settings with their values and where these come from, without secrets."""

import datetime
import enum
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from c2casgiutils._secrets import MASK, scrub_mapping
from c2casgiutils.config._environment import MAPPINGS, OLDER_NAMES, PREFIX, group_prefix
from c2casgiutils.config._types import MaskedStr, secrets_of

_SENTRY = "C2C__SENTRY__"
_MIN_SEARCHED_LENGTH = 8
"""Masking a shorter secret in other values would mask ordinary words, and so reveal the secret."""

Source = Literal["default", "environment", "code"]


class Described(NamedTuple):
    """A setting: its environment variable, what may be shown of its value, and the value itself, as JSON."""

    name: str
    shown: Any
    source: Source
    is_default: bool
    is_secret: bool
    value: Any


def describe_settings(settings: BaseModel) -> list[Described]:
    """Return all settings of all groups.

    Args:
        settings: The root of the settings.
    """
    given = {name.upper() for name, value in os.environ.items() if value.strip()}  # noqa: TID251  # this is config
    secrets = [secret for secret in secrets_of(settings) if len(secret) >= _MIN_SEARCHED_LENGTH]
    return [
        _describe(name, field, secrets)._replace(source=_source(name, field, given))
        for name, field in _fields(settings, PREFIX)
    ]


class _Field(NamedTuple):
    group: BaseModel
    name: str
    info: FieldInfo


def _fields(group: BaseModel, prefix: str) -> Iterator[tuple[str, _Field]]:
    for name, info in type(group).model_fields.items():
        value = getattr(group, name)
        if isinstance(value, BaseModel):
            yield from _fields(value, group_prefix(prefix, name, info))
        else:
            yield f"{prefix}{name.upper()}", _Field(group, name, info)


def _describe(name: str, field: _Field, secrets: list[str]) -> Described:
    value = getattr(field.group, field.name)
    is_secret_type = _is_secret_type(field.info.annotation, field.info.metadata)
    plain = _json(value, _text)
    masked = _json(value, _mask if is_secret_type else _mask_secret)
    shown = scrub_mapping([masked], secrets)[0]
    return Described(
        name=name,
        shown=shown,
        source="default",
        is_default=value == field.info.get_default(call_default_factory=True, validated_data={}),
        is_secret=is_secret_type or shown != plain,
        value=plain,
    )


def _source(name: str, field: _Field, given: set[str]) -> Source:
    if field.name not in field.group.model_fields_set:
        return "default"
    return "environment" if _is_given(name, given) else "code"


def _json(value: Any, convert: Callable[[Any], Any]) -> Any:
    """Return a value as JSON can hold it, whatever an application has set.

    Args:
        value: The value.
        convert: Called for each text.
    """
    if isinstance(value, dict):
        return {_text(str(name)): _json(item, convert) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(item, convert) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime.timedelta):
        return to_jsonable_python(value)
    plain = value.value if isinstance(value, enum.Enum) else value
    return convert(plain if isinstance(plain, str) else type(value).__qualname__)


def _text(value: str) -> str:
    return value.encode(errors="backslashreplace").decode()


def _mask(_: str) -> str:
    return MASK


def _mask_secret(value: str) -> str:
    return MASK if isinstance(value, MaskedStr) else _text(value)


def _is_given(name: str, given: set[str]) -> bool:
    """Return whether the environment has the variable, its older name, or the JSON of a group of it."""
    parts = name.split("__")
    names = {"__".join(parts[:end]) for end in range(2, len(parts) + 1)}
    names |= {older for older, newer in OLDER_NAMES.items() if newer == name}
    mapping = MAPPINGS.get(name.removeprefix(_SENTRY).lower())
    is_mapped = mapping is not None and any(one.startswith(mapping.upper()) for one in given)
    return is_mapped or not given.isdisjoint(names)


def _is_secret_type(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    """Return whether the type of a setting, or a part of it, is that of secrets."""
    if any(getattr(item, "func", None) is MaskedStr for item in metadata):
        return True
    parts = get_args(annotation)
    return any(_is_secret_type(part, getattr(part, "__metadata__", ())) for part in parts)
