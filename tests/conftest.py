"""Fixtures of all tests."""

import gc
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI

from c2casgiutils import broadcast, config, health_checks, instances
from c2casgiutils._app import create_app

pytest_plugins = ["c2casgiutils.acceptance.pytest_plugin"]

_NOT_TRACED = (
    "acceptance_tests/",
    "tests/browser/",
    "tests/integration/follow/",
    "tests/integration/prometheus/",
    "tests/integration/servers/",
    "tests/integration/tools/test_commands.py",
    "tests/soak/",
)
"""What they run of c2casgiutils runs in other processes.

Tests that run the same lines thousands of times have the mark `no_cover`:
the tracer would take most of their time.
"""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tracer of coverage out, and order the tests."""
    for item in items:
        # What is made up for property-based tests is covered by tables of cases, too.
        if item.nodeid.startswith(_NOT_TRACED) or item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")
    items[:] = _ordered(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many blocks of the documentation ran, and what tests want to say."""
    passed = terminalreporter.stats.get("passed", [])
    properties = [item for report in passed for item in report.user_properties]
    kinds = Counter(value for name, value in properties if name == "documentation")
    if kinds:
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        terminalreporter.write_line(f"documentation: {counts}")
    for name, value in properties:
        if name == "summary":
            terminalreporter.write_line(value)


def _ordered(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put unit tests at the end of the equal parts with which the processes of pytest-xdist start.

    A process that is done takes tests from the end of another part: these should take little time, and no
    fixture that starts servers for a module.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    unit = [item for item in items if "unit" in item.path.parts]
    slow = [item for item in items if "unit" not in item.path.parts]
    slow.sort(key=lambda item: "soak" not in item.path.parts)  # the longest one of all
    part, ordered = -(-len(items) // processes), list[pytest.Item]()
    for left in range(processes, 0, -1):
        cut = len(slow) // left
        while 0 < cut < len(slow) and slow[cut].path == slow[cut - 1].path:
            cut += 1
        rest = max(0, part - cut)
        ordered += [*slow[:cut], *unit[:rest]]
        slow, unit = slow[cut:], unit[rest:]
    return [*ordered, *unit]


@pytest.fixture(scope="session")
def _default_settings() -> config.Settings:
    with pytest.MonkeyPatch.context() as patch:
        _clear_environment(patch)
        return config.Settings()


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, _default_settings: config.Settings) -> None:
    """Each test starts with the default settings and no `C2C__` variable."""
    _clear_environment(monkeypatch)
    config.settings = _default_settings.model_copy(deep=True)  # reading them takes longer


def _clear_environment(patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("C2C__")]:
        patch.delenv(name)


@pytest.fixture(scope="session")
def operations(_default_settings: config.Settings) -> FastAPI:
    """The application to mount: FastAPI derives the routes of each new one at its first request."""
    app = create_app(_default_settings.model_copy(deep=True))
    assert app.routes  # assembled with these settings
    return app


@pytest.fixture(autouse=True)
def _no_sentry() -> None:
    """No test starts with the Sentry client of another one."""
    sdk = sys.modules.get("sentry_sdk")
    if sdk is not None:
        sdk.get_global_scope().set_client(None)


@pytest.fixture(autouse=True)
def _nothing_installed() -> None:
    """No test starts with what `install()` or the checks of another one left in the process."""
    if "c2casgiutils._install" in sys.modules:
        instances.unregister_figure("requests_in_flight")
        health_checks.FACTORY.with_automatic = False
    if "c2casgiutils.health_checks" in sys.modules:
        health_checks.FACTORY.clear()


@pytest.fixture
def small_heap() -> Iterator[None]:
    """The garbage collector sees only what is created from here on.

    Thousands of tests leave millions of objects in their process: a walk through them takes up to a minute
    with coverage's tracer, and what a test looks for is not among the largest of them.
    """
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
async def local_broadcast() -> AsyncIterator[None]:
    """The broadcast without Redis, started and without the subscriptions of another test."""
    broadcast.cleanup()
    await broadcast.startup()
    yield
    await broadcast.shutdown()
    broadcast.cleanup()
