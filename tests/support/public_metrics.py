"""The metrics of the package, one line each: `name{labels} type`.

`python -m tests.support.public_metrics` prints them: a process of its own makes them, as the client library
allows each name once. Where a metric is made is found in the source, so that no new module is left out.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PREFIX = "prefix_"
_MADE = re.compile(
    r"from prometheus_client\b.*\b(?:Gauge|Counter|Histogram|Summary|\w+MetricFamily)\(", re.DOTALL
)
_STATISTICS = "scripts/_statistics.py"
"""Its metrics depend on the tables of a database: those of its page count."""


def metric_lines() -> list[str]:
    """Return the lines, sorted."""
    command = [sys.executable, "-m", "tests.support.public_metrics"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    page = (ROOT / "docs" / "scripts.md").read_text().partition("| metric (after the prefix) |")[2]
    rows = re.findall(r"^\| `(database_[^`]+)` \| ([^|]+) \|", page, re.MULTILINE)
    of_page = [f"<prefix>{name}{{{labels.replace('`', '')}}} gauge" for name, labels in rows]
    return sorted([*done.stdout.splitlines(), *of_page])


def making_modules() -> set[str]:
    """Return the modules of the package that make a metric."""
    package = ROOT / "c2casgiutils"
    made = {
        str(path.relative_to(package)) for path in package.rglob("*.py") if _MADE.search(path.read_text())
    }
    return made - {_STATISTICS}


def makers() -> dict[str, Callable[[], object]]:
    """Return what makes the metrics of each module."""
    from c2casgiutils.broadcast import _metrics as of_broadcasts
    from c2casgiutils.db import _metrics as of_databases
    from c2casgiutils.debug import _metrics as of_event_loops
    from c2casgiutils.health_checks import _metrics as of_checks
    from c2casgiutils.instances import _metrics as of_instances
    from c2casgiutils.prometheus import _clients, _collectors, _requests
    from c2casgiutils.redis_utils import _measured
    from c2casgiutils.switches import _metrics as of_switches

    return {
        "broadcast/_metrics.py": lambda: of_broadcasts._metrics(PREFIX),
        "db/_metrics.py": lambda: of_databases._metrics(PREFIX),
        "debug/_metrics.py": lambda: of_event_loops.lag_histogram(PREFIX),
        "health_checks/_metrics.py": lambda: of_checks._metrics(PREFIX),
        "instances/_metrics.py": lambda: of_instances._skipped(PREFIX),
        "prometheus/_clients.py": lambda: _clients._metric(PREFIX),
        "prometheus/_collectors.py": _collectors.MapsCollector,
        "prometheus/_present.py": lambda: of_checks._alembic_version(PREFIX),
        "prometheus/_requests.py": _requests._in_progress,
        "redis_utils/_measured.py": lambda: _measured._metric(PREFIX),
        "switches/_metrics.py": lambda: of_switches._skipped(PREFIX),
    }


def _lines() -> Iterator[str]:
    import prometheus_client
    from fastapi import FastAPI

    from c2casgiutils import config, prometheus
    from c2casgiutils.acceptance import CacheExpected, Connection
    from c2casgiutils.prometheus import _collectors

    config.settings = config.Settings(
        prometheus={"prefix": PREFIX, "packages": "c2casgiutils", "application_package": "c2casgiutils"}
    )
    made: list[Any] = []
    register = prometheus_client.REGISTRY.register

    def record(collector: Any) -> None:
        register(collector)
        made.append(collector)

    prometheus_client.REGISTRY.register = record  # type: ignore[method-assign]  # in this process only
    for make in makers().values():
        make()
    app = FastAPI()
    prometheus.instrument(app)
    app.add_api_route("/", lambda: None)
    with Connection(app=app, cache_expected=CacheExpected.DONT_CARE) as connection:
        connection.get("/")
    for collector in made:
        (family,) = collector.collect()
        yield _line(family, collector._labelnames)  # there is no public name for the labels
    for collector in (
        _collectors.BuildCollector(),
        _collectors.ResourceCollector(),
        _collectors.MapsCollector(),
    ):
        for family in collector.collect():
            yield _line(family, family._labelnames)


def _line(family: Any, labels: Any) -> str:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return f"{re.sub(f'^{PREFIX}', '<prefix>', name)}{{{', '.join(labels)}}} {family.type}"


if __name__ == "__main__":
    for line in sorted(set(_lines())):
        print(line)  # what this module is for
