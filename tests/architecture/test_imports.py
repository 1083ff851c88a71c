"""Every module imports alone, cheaply, and without the extras."""

import pkgutil

import pytest

import c2casgiutils
from tests.support.fresh import run_fresh

MODULES = sorted(module.name for module in pkgutil.walk_packages(c2casgiutils.__path__, "c2casgiutils."))

# What each feature brings in only when it is used.
LAZY = (
    "alembic",
    "cryptography",
    "httpx",
    "jwt",
    "lxml",
    "numpy",
    "PIL",
    "playwright",
    "sentry_sdk",
    "sqlalchemy",
)

EXTRAS = (
    "alembic",
    "lxml",
    "numpy",
    "PIL",
    "playwright",
    "prometheus_fastapi_instrumentator",
    "sentry_sdk",
    "sqlalchemy",
)

# Whoever imports a module first imports its packages before it: the processes of the modules start with them.
IMPORT_EACH_ALONE = """
import os, sys
import fastapi  # the one library that most modules need; the rest comes after the fork

def is_clean(name):
    try:
        __import__(name)
    except BaseException as error:
        print(f"{{name}}: {{type(error).__name__}}: {{error}}", flush=True)
        return False
    # Private modules may be the ones that are imported on first use.
    loaded = [lazy for lazy in {lazy!r} if lazy in sys.modules and "._" not in name]
    if loaded:
        print(f"{{name}} brings in {{loaded}}", flush=True)
    below = [module for module in {modules!r} if module.rpartition(".")[0] == name]
    # One that the package has imported is there whoever comes first.
    clean = [is_clean(module) if module in sys.modules else is_clean_alone(module) for module in below]
    return not loaded and all(clean)

def is_clean_alone(name):
    child = os.fork()
    if child == 0:
        os._exit(not is_clean(name))
    return os.waitpid(child, 0)[1] == 0

sys.exit(not is_clean("c2casgiutils"))
"""

BLOCK = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Blocker())
"""


def test_each_module_imports_alone_and_loads_nothing_heavy() -> None:
    """Each module is imported first in a process of its own; heavy libraries wait for their first use."""
    done = run_fresh(IMPORT_EACH_ALONE.format(modules=MODULES, lazy=LAZY), seconds=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_core_imports_without_any_extra() -> None:
    """All modules, the assembled application included, import when no extra is installed."""
    code = BLOCK.format(blocked=EXTRAS) + "\n".join(f"import {name}" for name in MODULES)
    done = run_fresh(code + "\nc2casgiutils.app.routes\n")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["app", "startup", "shutdown", "lifespan", "install", "drain", "C2cError"])
def test_the_face_resolves_lazily(name: str) -> None:
    """A bare import is enough for each attribute, and none of them is loaded before it is asked for."""
    code = f"import c2casgiutils, sys; assert 'fastapi' not in sys.modules; c2casgiutils.{name}"
    done = run_fresh(code)
    assert done.returncode == 0, done.stderr
