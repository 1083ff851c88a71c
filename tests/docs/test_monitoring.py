"""The alerts and the dashboard: they hold, and use metrics that exist."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from fastapi import FastAPI

from c2casgiutils import prometheus
from c2casgiutils.config import parse_duration
from tests.support.processes import binary

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/monitoring"


@pytest.mark.parametrize(("action", "file"), [("check", "alerts.yaml"), ("test", "alerts_test.yaml")])
def test_alerts(action: str, file: str) -> None:
    """The rules are valid, and their unit tests pass."""
    command = [binary("promtool", "prometheus"), action, "rules", file]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_each_alert_is_tested() -> None:
    """Each alert is silent while all is well, and in one test not yet there at first and fires later."""
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
    names = {rule["alert"] for rule in rules}
    first, *others = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text())["tests"]
    assert first["input_series"]
    assert {case["alertname"] for case in first["alert_rule_test"] if "exp_alerts" not in case} == names
    begins = set()
    for test in others:
        silent, fires = dict[str, float](), dict[str, float]()
        for case in test["alert_rule_test"]:
            seconds = parse_duration(case["eval_time"]).total_seconds()
            (fires if "exp_alerts" in case else silent)[case["alertname"]] = seconds
        begins |= {name for name, seconds in fires.items() if silent.get(name, seconds) < seconds}
    assert begins == names


@pytest.mark.parametrize("script", ["alerts.py", "dashboard.py"])
def test_files_are_the_generated_ones(script: str, tmp_path: Path) -> None:
    """What is in the documentation is what the script writes; anything else is reported."""
    assert run(script, "--check").returncode == 0
    other = tmp_path / "other"
    other.write_text("{}")
    done = run(script, "--check", str(other))
    assert (done.returncode, "run make settings" in done.stderr) == (1, True)


@pytest.mark.parametrize("script", ["alerts.py", "dashboard.py"])
def test_metrics_exist(script: str, tmp_path: Path) -> None:
    """The scripts write no file with a metric that the code does not have."""
    for file in (ROOT / ".ci").glob("*.py"):
        text = file.read_text()
        (tmp_path / file.name).write_text(text.replace("health_checks_failure", "health_check_failures"))
    done = run(tmp_path / script, "--check")
    assert done.returncode == 1
    assert done.stderr == "c2casgiutils_health_check_failures is not a metric of c2casgiutils\n"


def run(script: str | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of .ci."""
    command = [sys.executable, str(ROOT / ".ci" / script), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


async def test_label_of_failed_requests() -> None:
    """The metric of requests has the label that the alert compares."""
    app = FastAPI()
    prometheus.instrument(app)
    app.add_api_route("/", lambda: 1 / 0)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        await client.get("/")
    (requests,) = [one for one in prometheus.create_registry().collect() if one.name == "http_requests"]
    assert "5xx" in {sample.labels["status"] for sample in requests.samples}
