"""The exceptions of the package."""

import importlib
import inspect
import pkgutil

import c2casgiutils


def test_one_base_class() -> None:
    """Every exception that the package defines is a `C2cError`."""
    strangers = set()
    for module in pkgutil.walk_packages(c2casgiutils.__path__, "c2casgiutils."):
        for _, defined in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(defined, BaseException) and defined.__module__.startswith("c2casgiutils."):
                strangers |= {defined} if not issubclass(defined, c2casgiutils.C2cError) else set()
    assert strangers == set()
