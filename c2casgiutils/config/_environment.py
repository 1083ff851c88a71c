"""The environment as the source of the settings: empty values, older names, unknown names."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

_LOGGER = logging.getLogger(__name__)

PREFIX = "C2C__"
OLDER_NAMES = {
    "C2C__AUTH__COOKIE": "C2C__AUTH__JWT__COOKIE__NAME",
    "C2C__AUTH__COOKIE_AGE": "C2C__AUTH__JWT__COOKIE__AGE",
}
"""Names of older releases that are still read, and the name that replaces each."""

_TAG_PREFIX = "c2c__sentry__tag_"
_TAGS = "c2c__sentry__tags"


def variables(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    """Return the environment variable and the field of each setting, including those of groups."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, f"{prefix}{name.upper()}__")
        else:
            yield prefix + name.upper(), field


def _group_names(names: Iterable[str]) -> set[str]:
    """Return the names of the groups, which pydantic-settings reads as JSON objects."""
    parts = (name.removeprefix(PREFIX).split("__") for name in names)
    return {PREFIX + "__".join(path[:end]) for path in parts for end in range(1, len(path))}


class EnvironmentSource(EnvSettingsSource):
    """Source that reads `C2C__...` variables in any case; a whole group may be a JSON object.

    An empty value counts as unset, except for Sentry tags. A name of an older release is read, with a
    warning, when the new one is not set. An unknown name is logged as a warning that suggests the nearest
    known one.

    Raises:
        SettingsError: A group is not a JSON object; the message names the variable.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        given = {
            name: value or "" for name, value in self.env_vars.items() if name.startswith(PREFIX.lower())
        }
        tags = {name: value for name, value in given.items() if name.startswith(_TAG_PREFIX)}
        self._tags = {name.removeprefix(_TAG_PREFIX): value for name, value in tags.items()}
        names = [name for name, _ in variables(settings_cls)]
        groups = {name.lower() for name in _group_names(names)}
        set_ = {name: value for name, value in given.items() if value.strip() and name not in tags}
        self.env_vars = _usable(set_, {name.lower() for name in names} | groups)
        _check_objects({name: value for name, value in self.env_vars.items() if name in groups | {_TAGS}})

    def __call__(self) -> dict[str, Any]:
        """Return the values as nested dictionaries."""
        values = super().__call__()
        sentry = values.setdefault("sentry", {}) if self._tags else {}
        tags = sentry.get("tags") or {}
        if self._tags and isinstance(tags, dict):
            sentry["tags"] = {**tags, **self._tags}
        return values


def _check_objects(texts: Mapping[str, str | None]) -> None:
    for name, text in texts.items():
        try:
            is_object = isinstance(json.loads(text or ""), dict)
        except ValueError:
            is_object = False
        if not is_object:
            raise SettingsError(f"{name.upper()}: must be a JSON object")


def _usable(given: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """Return the variables that the settings know, under their new names; names are in lower case."""
    older = {name.lower(): newer.lower() for name, newer in OLDER_NAMES.items()}
    usable = {name: value for name, value in given.items() if name in known}
    for name, value in given.items():
        if name in older:
            _LOGGER.warning("%s is deprecated, use %s", name.upper(), older[name].upper())
            usable.setdefault(older[name], value)
        elif name not in known:
            _LOGGER.warning("%s is not a known setting%s", name.upper(), _nearest(name, known))
    return usable


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib  # only needed for a mistake

    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0].upper()}?" if near else ""
