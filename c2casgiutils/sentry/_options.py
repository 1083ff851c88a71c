"""The further options of the SDK, checked before it starts."""

import re
from collections.abc import Iterator
from typing import Any

from c2casgiutils import config

_VARIABLE = "C2C__SENTRY__OPTIONS"
_CODE = re.compile(r"before_\w+|\w+_sampler|custom_repr|transport|(?:disabled_)?integrations")
"""Options whose values are Python code."""


def check_options(options: dict[str, Any]) -> None:
    """Compare options with those of the SDK, whose own check is silent about wrong types.

    Raises:
        ConfigurationError: A name is unknown, or a value has another type than its default; ends the start.
    """
    if not options:
        return
    import sentry_sdk

    problems = list(_problems(options, sentry_sdk.Client().options))
    if problems:
        config.end_start([f"{_VARIABLE}: {problem}" for problem in problems])


def _problems(options: dict[str, Any], defaults: dict[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if name not in defaults:
            yield f"{name} is not an option of the SDK{_nearest(name, list(defaults))}"
        elif _CODE.fullmatch(name):
            yield f"{name} is Python code, pass it to sentry.init({name}=…)"
        elif not _is_like(value, defaults[name]):
            yield f"{name} must be of the type {type(defaults[name]).__name__}"


def _nearest(name: str, known: list[str]) -> str:
    import difflib  # only needed for a mistake

    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _is_like(value: Any, default: Any) -> bool:
    """Return whether a value may replace a default; a number may be a whole one, and `None` says nothing."""
    if default is None or value is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(default)) or (isinstance(default, frozenset) and isinstance(value, list))
