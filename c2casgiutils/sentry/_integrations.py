"""The integrations of the SDK, by name."""

import importlib
import logging
import pkgutil
from collections.abc import Mapping
from typing import Any

from c2casgiutils import config
from c2casgiutils.config.sentry import Sentry

_VARIABLE = "C2C__SENTRY__INTEGRATIONS__"


def from_settings(settings: Sentry) -> dict[str, list[Any]]:
    """Return the options `integrations` and `disabled_integrations` of the SDK.

    Raises:
        ConfigurationError: An integration is unknown, or cannot be enabled; ends the start.
    """
    from sentry_sdk.integrations.logging import LoggingIntegration

    on = {name for name, is_on in settings.integrations.items() if is_on}
    enabled = [_instance(name) for name in sorted(on - {"logging"})]
    disabled = [_class_of(name, required=False) for name in sorted(settings.integrations.keys() - on)]
    return {
        "integrations": [LoggingIntegration(event_level=logging.getLevelName(settings.level)), *enabled],
        "disabled_integrations": [kind for kind in disabled if kind is not None],
    }


def merged(options: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with `more`, whose integrations are added to the others."""
    lists = {
        name: [*options.get(name, ()), *(more.get(name) or ())]
        for name in ("integrations", "disabled_integrations")
    }
    return {**options, **more, **lists}


def _instance(name: str) -> Any:
    kind = _class_of(name, required=True)
    try:
        return kind()
    except TypeError:
        config.end_start(
            [f"{_VARIABLE}{name.upper()}: needs arguments, pass it to sentry.init(integrations=[…])"]
        )


def _class_of(name: str, *, required: bool) -> Any:
    """Return the class of an integration; `None` if it is not `required` and its package is not installed."""
    from sentry_sdk import integrations

    variable = f"{_VARIABLE}{name.upper()}"
    known = [module.name for module in pkgutil.iter_modules(integrations.__path__) if module.name[0] != "_"]
    if name not in known:
        config.end_start([f"{variable}: is not one of the SDK's integrations: {', '.join(known)}"])
    try:
        module = importlib.import_module(f"{integrations.__name__}.{name}")
    except (integrations.DidNotEnable, ImportError) as error:
        if required:
            config.end_start([f"{variable}: cannot be enabled ({error})"])
        return None
    kinds = [value for value in vars(module).values() if getattr(value, "identifier", None) == name]
    if not kinds:
        config.end_start([f"{variable}: cannot be enabled or disabled by name"])
    return kinds[0]
