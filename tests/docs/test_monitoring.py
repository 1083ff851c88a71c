"""The alerts and the dashboard: they hold, and use metrics that exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import binary

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/monitoring"
_METRICS = """
from fastapi import FastAPI
from starlette.testclient import TestClient

from c2casgiutils import prometheus
from c2casgiutils.broadcast import _metrics as of_broadcasts
from c2casgiutils.db import _metrics as of_databases
from c2casgiutils.debug import _metrics as of_event_loops
from c2casgiutils.health_checks import _metrics as of_health_checks
from c2casgiutils.prometheus import _clients as of_clients

for module in (of_broadcasts, of_databases, of_health_checks):
    module._metrics("c2casgiutils_")
of_event_loops.lag_histogram("c2casgiutils_")
of_clients._metric("c2casgiutils_")
app = FastAPI()
prometheus.instrument(app)
app.add_middleware(prometheus.InFlightMiddleware)
app.add_api_route("/", lambda: 1 / 0)
TestClient(app, raise_server_exceptions=False).get("/")
for metric in prometheus.create_registry().collect():
    print(metric.name, *{f"{one.name}={one.labels}" for one in metric.samples}, sep="|")
"""


def used() -> set[str]:
    """The names of the metrics in the alerts and in the dashboard, without the suffixes of histograms."""
    texts = (FOLDER / "alerts.yaml").read_text() + (FOLDER / "dashboard.json").read_text()
    names = re.findall(r"\b(?:c2casgiutils|http)_[a-z_]+", texts)
    return {name.removesuffix("_bucket") for name in names if name != "c2casgiutils_"}


@pytest.mark.parametrize(("action", "file"), [("check", "alerts.yaml"), ("test", "alerts_test.yaml")])
def test_alerts(action: str, file: str) -> None:
    """The rules are valid, and their unit tests pass."""
    command = [binary("promtool", "prometheus"), action, "rules", file]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_each_alert_is_tested() -> None:
    """Each alert has a test in which it fires."""
    names = set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yaml").read_text()))
    fired = re.findall(r"alertname: (\w+)\n\s+exp_alerts", (FOLDER / "alerts_test.yaml").read_text())
    assert names == set(fired)


def test_dashboard_is_the_generated_one(tmp_path: Path) -> None:
    """The file in the documentation is what its script writes."""
    file = tmp_path / "dashboard.json"
    subprocess.run([sys.executable, ROOT / ".ci/dashboard.py", file], check=True, timeout=60)
    assert json.loads(file.read_text()) == json.loads((FOLDER / "dashboard.json").read_text())


def test_metrics_exist() -> None:
    """Each metric that an alert or the dashboard uses exists, with the label of failed requests."""
    command = [sys.executable, "-c", _METRICS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    names = {line.partition("|")[0] for line in done.stdout.splitlines()}
    assert {name.removesuffix("_total") for name in used()} - names == set()
    assert "'status': '5xx'" in done.stdout
