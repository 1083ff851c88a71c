"""The operations side of a FastAPI application: mount `c2casgiutils.app` and call `c2casgiutils.startup`.

The attributes are resolved on first access (PEP 562): importing this package is cheap and has no side
effects.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    from c2casgiutils import (
        acceptance,
        auth,
        broadcast,
        cli,
        config,
        db,
        errors,
        headers,
        health_checks,
        instances,
        logs,
        profiling,
        prometheus,
        redis_utils,
        request_tracking,
        responses,
        sentry,
        tools,
    )
    from c2casgiutils._app import lifespan, shutdown, startup
    from c2casgiutils._errors import C2cError
    from c2casgiutils._install import install
    from c2casgiutils.health_checks import drain

    app: FastAPI

__version__ = "1.0.0.dev0"

__all__ = [
    "C2cError",
    "__version__",
    "acceptance",
    "app",
    "auth",
    "broadcast",
    "cli",
    "config",
    "db",
    "drain",
    "errors",
    "headers",
    "health_checks",
    "install",
    "instances",
    "lifespan",
    "logs",
    "profiling",
    "prometheus",
    "redis_utils",
    "request_tracking",
    "responses",
    "sentry",
    "shutdown",
    "startup",
    "tools",
]

_DEFINED_IN = {
    "C2cError": "_errors",
    "app": "_app",
    "drain": "health_checks",
    "install": "_install",
    "lifespan": "_app",
    "shutdown": "_app",
    "startup": "_app",
}

if not TYPE_CHECKING:  # otherwise type checkers would accept any name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name not in _DEFINED_IN:
            return importlib.import_module(f"{__name__}.{name}")
        module = importlib.import_module(f"{__name__}.{_DEFINED_IN[name]}")
        value = module.create_app() if name == "app" else getattr(module, name)
        return globals().setdefault(name, value)


def __dir__() -> list[str]:
    return sorted(__all__)
