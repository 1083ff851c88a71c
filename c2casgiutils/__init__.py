"""The operations side of a FastAPI application: mount `c2casgiutils.app` and call `c2casgiutils.startup`.

The attributes are resolved on first access (PEP 562), so that importing this package is cheap and has no side effect.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

    from c2casgiutils import auth, config, tools
    from c2casgiutils._app import lifespan, shutdown, startup

    app: FastAPI

__version__ = "1.0.0.dev0"

__all__ = [
    "__version__",
    "app",
    "auth",
    "config",
    "lifespan",
    "shutdown",
    "startup",
    "tools",
]

_MODULE_OF = {"app": "_app", "lifespan": "_app", "shutdown": "_app", "startup": "_app"}

if not TYPE_CHECKING:  # with it the type checkers would accept any name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name not in _MODULE_OF:
            return importlib.import_module(f"{__name__}.{name}")
        value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
