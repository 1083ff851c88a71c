"""Converts the environment of an older release, and says what becomes of each variable."""

import difflib
import functools
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import TypeAdapter, ValidationError

from c2casgiutils import config
from c2casgiutils.config._environment import MAPPINGS, variables
from c2casgiutils.config._errors import describe
from c2casgiutils.scripts._conversions import OF_BEGINNINGS
from c2casgiutils.scripts._env_files import Value, refer_to, referred
from c2casgiutils.scripts._environments import Environment
from c2casgiutils.scripts._older_variable import OPTIONS, OlderVariable
from c2casgiutils.scripts._older_variables import find, known_names

_OURS = ("C2C_", "C2CWSGIUTILS_")
_SHARED = ("SENTRY_", "SQLALCHEMY_", "STATSD_")
"""What some of our variables begin with, but also those of other libraries."""

_TAG, _INTEGRATION = (prefix.upper() for prefix in MAPPINGS.values())
_IMPORTED_WHEN_CHECKED = "C2C__SENTRY__EVENT_SCRUBBER"
_NEAR = 0.85
_EMPTY = "an empty value counts as unset"


class Change(NamedTuple):
    """What becomes of a variable: `moved`, `same`, `code`, `dropped` or `unknown`, in words in `text`."""

    name: str
    kind: str
    text: str


class Migration:
    """The conversion of one environment.

    Args:
        environment: The variables of older releases and others.
        keep_unknown: Copy variables that are unknown but look like ours; they are a problem otherwise.

    Attributes:
        environment: The argument.
        changes: What becomes of each variable that is or looks like ours.
        problems: One line for each variable that cannot be converted, without values of secrets.
        values: The new environment, other variables included.
        renamed: The new names by the old ones; empty for a variable that no other one replaces.
    """

    def __init__(self, environment: Environment, *, keep_unknown: bool = False) -> None:
        self.environment = environment
        self.changes: list[Change] = []
        self.problems: list[str] = []
        self.values: dict[str, Value] = {}
        self.renamed: dict[str, str] = {}
        self._keep_unknown = keep_unknown
        self._sources: dict[str, str] = {}
        self._options: dict[str, Any] = {}
        for name, value in environment.values.items():
            older = find(name)
            if older is not None:
                self._convert(name, value, older)
            elif is_setting(name):
                self._keep(name, value)
            else:
                self._pass_on(name, value)
        if self._options:
            text = yaml.safe_dump(self._options, default_flow_style=True, width=float("inf"))
            self.values[OPTIONS] = Value(text.strip())

    def _keep(self, name: str, value: Value) -> None:
        if value.text.strip() or name.upper().startswith(_TAG):
            self._take(name, name, value)
            self.changes.append(Change(name, "same", "same"))
        else:
            self.changes.append(Change(name, "dropped", _EMPTY))

    def refer_to(self, renamed: Mapping[str, str]) -> None:
        """Let values refer to variables by their new names.

        Args:
            renamed: The new names by the old ones, of the environment that the references are resolved by.
        """
        for name, value in self.values.items():
            # a variable of an env file that is passed through from the host has its old name there
            names = {old: new for old, new in renamed.items() if new != name or self.environment.is_service}
            for old in sorted(referred(value)):
                if names.get(old) == "":
                    self._report(name, f"refers to {old}, which has no new name")
            self.values[name] = refer_to(value, names)

    def _convert(self, name: str, value: Value, older: OlderVariable) -> None:
        if older.new != name:
            self.renamed[name] = "" if older.option else older.new
        if older.fate != "moved":
            self.changes.append(Change(name, older.fate, older.change))
            return
        try:
            converted = _converted(value, older)
        except ValueError as error:
            self._report(name, str(error))
            return
        given = self.environment.values.get(older.new)
        if older.new != name and given is not None and given.text.strip():
            self.changes.append(Change(name, "dropped", f"{older.new} is set already"))
        elif not converted.text.strip() and not older.new.startswith(_TAG):
            reason = "its value is the default" if value.text.strip() else _EMPTY
            self.changes.append(Change(name, "dropped", reason))
        elif older.option:
            self._options[older.option] = yaml.safe_load(converted.text) if older.convert else converted.text
            self.changes.append(_described(name, value, converted, older))
        elif self._take(name, older.new, converted):
            for further, text in older.also.items():
                self.values.setdefault(further, self.environment.values.get(further, Value(text)))
            self.changes.append(_described(name, value, converted, older))

    def _take(self, name: str, new: str, value: Value) -> bool:
        """Set a new variable; return whether its value is the only one and valid."""
        other = self._sources.setdefault(new, name)
        if other != name and self.values.get(new) != value:
            self._report(name, f"and {other} would both be {new}, with different values")
            return False
        problem = None if value.is_reference else _problem_of(new, value.text)
        if problem is not None:
            self._report(name, problem if name == new else f"as {new}: {problem}")
            return False
        self.values[new] = value
        return True

    def _pass_on(self, name: str, value: Value) -> None:
        """Copy a variable that is not one of ours, unless it looks like one."""
        near = difflib.get_close_matches(name.upper(), [*known_names(), *_settings()], n=1, cutoff=_NEAR)
        hint = f", did you mean {near[0]}?" if near else ""
        looks_like_ours = name.upper().startswith(_OURS) or (near and name.upper().startswith(_SHARED))
        if looks_like_ours and not self._keep_unknown:
            self._report(name, f"is not known{hint}")
            return
        self.values[name] = value
        if looks_like_ours:
            self.changes.append(Change(name, "unknown", f"unchanged, as it is not known{hint}"))

    def _report(self, name: str, problem: str) -> None:
        self.problems.append(f"{self.environment.label}: {name}: {problem}")


def _converted(value: Value, older: OlderVariable) -> Value:
    """Return the new value.

    Raises:
        ValueError: It cannot be converted; the message says what is accepted.
    """
    if value.is_reference and older.option:
        raise ValueError(f"refers to another variable; write {OPTIONS} by hand")
    if older.convert is None or (value.is_reference and not _is_convertible(value, older)):
        return value
    if not value.text.strip() and older.name != older.new:
        return Value("")
    return value._replace(text=older.convert(value.text))


def _is_convertible(value: Value, older: OlderVariable) -> bool:
    return older.convert in OF_BEGINNINGS and not value.text.startswith("$")


def _described(name: str, value: Value, converted: Value, older: OlderVariable) -> Change:
    news = ", ".join([older.new, *older.also])
    parts = ["same" if older.new == name else f"-> {news}"]
    if converted != value:
        parts.append("converted")
    elif value.is_reference and older.convert and not _is_convertible(value, older):
        parts.append("its value is not converted, as it refers to another variable")
    if older.change:
        parts.append(older.change)
    return Change(name, "same" if parts == ["same"] else "moved", "; ".join(parts))


def is_setting(name: str) -> bool:
    """Return whether this release reads a variable."""
    upper = name.upper()
    is_group = "__" in upper and any(setting.startswith(f"{upper}__") for setting in _settings())
    return upper in _settings() or upper.startswith((_TAG, _INTEGRATION)) or is_group


@functools.cache
def _settings() -> Mapping[str, Any]:
    """Return the variables of this release and what their values must be."""
    fields = dict(variables(config.Settings))
    for name, field in config.Logging.model_fields.items():
        fields.setdefault(str(field.validation_alias or name.upper()), field)
    return fields


def _problem_of(name: str, text: str) -> str | None:
    """Return what is wrong with the value of a setting, in one line."""
    upper = name.upper()
    field = _settings().get(upper)
    if field is not None and text.strip() and upper != _IMPORTED_WHEN_CHECKED:
        kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    elif upper.startswith(_INTEGRATION):
        kind = bool
    else:
        return None
    try:
        TypeAdapter(kind, config={"hide_input_in_errors": True}).validate_python(text)
    except ValidationError as error:
        return " ".join(describe(error, name, {})[0].partition(": ")[2].split())
    return None
