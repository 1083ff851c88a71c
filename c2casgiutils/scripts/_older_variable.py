"""The description of an environment variable of an older release."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

OPTIONS = "C2C__SENTRY__OPTIONS"
ANY = "<NAME>"
CLIENT = "SENTRY_CLIENT_"

Fate = Literal["moved", "code", "dropped"]
Convert = Callable[[str], str]


@dataclasses.dataclass(frozen=True)
class OlderVariable:
    """A variable of an older release.

    Attributes:
        name: Its name; `<NAME>` at the end stands for any.
        fate: Whether it has a new name, is now a call in the code of the application, or is dropped.
        new: Its new name, which may be the old one; empty unless it is moved.
        change: What is different, what to call, or why it is dropped.
        convert: Converts its value; raises `ValueError` with what is accepted.
        also: Further variables that keep the behaviour.
        option: The option of `sentry_sdk.init` that it sets in `C2C__SENTRY__OPTIONS`.
    """

    name: str
    fate: Fate
    new: str = ""
    change: str = ""
    convert: Convert | None = None
    also: Mapping[str, str] = dataclasses.field(default_factory=dict)
    option: str = ""


def moved(
    name: str, new: str = "", change: str = "", convert: Convert | None = None, **also: str
) -> OlderVariable:
    """Return a variable that is read under a new name, or still under its own."""
    return OlderVariable(name, "moved", new or name, change, convert, also)


def option(name: str, convert: Convert | None = None, change: str = "") -> OlderVariable:
    """Return a variable that is an option of the SDK without a setting of its own."""
    key = name.removeprefix(CLIENT).lower()
    return OlderVariable(name, "moved", OPTIONS, change or f"option `{key}`", convert, option=key)


def code(name: str, change: str) -> OlderVariable:
    """Return a variable of which the code of the application takes the place."""
    return OlderVariable(name, "code", change=change)


def dropped(name: str, change: str) -> OlderVariable:
    """Return a variable that nothing reads any more."""
    return OlderVariable(name, "dropped", change=change)
