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

MAPPINGS = {"tags": "c2c__sentry__tag_", "integrations": "c2c__sentry__integrations__"}
"""Settings of Sentry that have a variable for each name, and what these variables begin with."""


def variables(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, FieldInfo]]:
    """Return the environment variable and the field of each setting, including those of groups."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables(field.annotation, group_prefix(prefix, name, field))
        else:
            yield prefix + name.upper(), field


def group_prefix(prefix: str, name: str, field: FieldInfo) -> str:
    """Return what the variables of a group begin with."""
    return f"{field.validation_alias or prefix + name.upper()}__"


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
        self._mappings = {setting: _mapping(given, prefix) for setting, prefix in MAPPINGS.items()}
        prefixes = tuple(MAPPINGS.values())
        names = [name for name, _ in variables(settings_cls)]
        groups = {name.lower() for name in _group_names(names)}
        set_ = {
            name: value for name, value in given.items() if value.strip() and not name.startswith(prefixes)
        }
        self.env_vars = _usable(set_, {name.lower() for name in names} | groups)
        objects = groups | {f"c2c__sentry__{setting}" for setting in MAPPINGS}
        _check_objects({name: value for name, value in self.env_vars.items() if name in objects})

    def __call__(self) -> dict[str, Any]:
        """Return the values as nested dictionaries."""
        values = super().__call__()
        for setting, mapping in self._mappings.items():
            sentry = values.setdefault("sentry", {}) if mapping else {}
            others = sentry.get(setting) or {}
            if mapping and isinstance(others, dict):
                sentry[setting] = {**others, **mapping}
        return values


def _mapping(given: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}


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
