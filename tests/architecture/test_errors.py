"""The exceptions of the package."""

import importlib
import inspect
import pkgutil

import c2casgiutils
from c2casgiutils._outages import RedisUnavailableError


def test_one_base_class() -> None:
    """Every exception that the package defines is a `C2cError`."""
    strangers = set()
    for module in pkgutil.walk_packages(c2casgiutils.__path__, "c2casgiutils."):
        for _, defined in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(defined, BaseException) and defined.__module__.startswith("c2casgiutils."):
                strangers |= {defined} if not issubclass(defined, c2casgiutils.C2cError) else set()
    assert strangers == set()


def test_handlers_catch_outages_too() -> None:
    """An unreachable Redis is an `HTTPException` of Starlette, and not one of FastAPI."""
    wrong = []
    for info in pkgutil.walk_packages(c2casgiutils.__path__, "c2casgiutils."):
        module = importlib.import_module(info.name)
        if "except HTTPException" in inspect.getsource(module):
            wrong += (
                [info.name] if not issubclass(RedisUnavailableError, vars(module)["HTTPException"]) else []
            )
    assert wrong == []
