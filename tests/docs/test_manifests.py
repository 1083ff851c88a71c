"""Every Kubernetes manifest of the documentation runs the application above it, and its probes pass."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from c2casgiutils.config import parse_duration
from tests.support.manifests import assert_times_fit, validate
from tests.support.pages import Block, blocks
from tests.support.processes import Uvicorn

SECRET = "a-secret-of-the-test"
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def deployments() -> Iterator[Any]:
    """The Python block before each manifest, and its Deployment."""
    application = None
    for block in blocks("python", "yaml"):
        if block.language == "python":
            application = block.code
        elif re.search(r"^kind: Deployment$", block.code, re.MULTILINE):
            yield pytest.param(application, yaml.safe_load(block.code), id=block.page)


def test_there_are_manifests() -> None:
    """The table of the next test is not empty, and no other kind of workload is left untested."""
    kinds = [
        kind for block in blocks("yaml") for kind in re.findall(r"^kind: (\w+)$", block.code, re.MULTILINE)
    ]
    assert kinds == ["Deployment"] * len(list(deployments()))
    assert kinds


@pytest.mark.parametrize("block", list(blocks("yaml")), ids=str)
def test_yaml(block: Block) -> None:
    """Each block is YAML, and asks no path below the mount but those of probes."""
    assert yaml.safe_load(block.code)
    asked = set(re.findall(r"path[:=] ?(/c2c/\w+)", block.code))
    assert asked <= {"/c2c/livez", "/c2c/readyz", "/c2c/startupz"}


def environment(container: dict[str, Any]) -> dict[str, str]:
    """The variables of a container; those of a secret have a value of their own."""
    return {item["name"]: item.get("value", SECRET) for item in container["env"]}


@pytest.mark.parametrize(("application", "deployment"), list(deployments()))
def test_probes_pass(application: str, deployment: dict[str, Any], tmp_path: Path) -> None:
    """The command runs with the environment of the container, and each probe finds what it asks for."""
    (tmp_path / "main.py").write_text(application)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    program, *arguments = container["args"]
    assert program == "uvicorn"
    port = container["ports"][0]["containerPort"]
    assert f"--port={port}" in arguments
    ours = [argument for argument in arguments if not argument.startswith(("--host=", "--port=", "main:"))]
    env = environment(container) | {"C2C__PROMETHEUS__PORT": "0"}
    with Uvicorn("main:app", *ours, cwd=tmp_path, env=env) as server:
        for name in PROBES:
            wanted = container[name]["httpGet"]
            assert wanted["port"] == port
            reply = httpx.get(server.url + wanted["path"], timeout=20)
            assert (reply.status_code, reply.text) == (200, "ok"), name


@pytest.mark.parametrize(("application", "deployment"), list(deployments()))
def test_times_fit(application: str, deployment: dict[str, Any]) -> None:
    """The process waits longer than Kubernetes takes to see that it is not ready, and less than it may."""
    validate(deployment)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    wait = parse_duration(environment(container)["C2C__DRAIN_WAIT"]).total_seconds()
    assert_times_fit(pod, wait)


@pytest.mark.parametrize(("application", "deployment"), list(deployments()))
def test_hook_before_the_stop(application: str, deployment: dict[str, Any], tmp_path: Path) -> None:
    """It takes the only process out of service; SIGTERM then waits for what is left of the time."""
    (tmp_path / "main.py").write_text(application)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    env = environment(container) | {"C2C__PROMETHEUS__PORT": "0", "C2C__DRAIN_WAIT": "4"}
    with Uvicorn("main:app", cwd=tmp_path, env=env) as server:
        own = {**os.environ, **env, "C2C_URL": f"{server.url}/c2c"}
        program = str(Path(sys.executable).with_name(command[0]))
        started = time.monotonic()
        done = subprocess.run(
            [program, *command[1:]], env=own, capture_output=True, text=True, timeout=60, check=False
        )
        drained = time.monotonic()
        assert done.returncode == 0, done.stdout + done.stderr
        reply = httpx.get(f"{server.url}/c2c/readyz", timeout=20)
        assert (reply.status_code, reply.text) == (503, "draining")
        server.signal(signal.SIGTERM)
        server.wait(30)
        assert time.monotonic() - started > 3.9
        assert time.monotonic() - drained < 30
        assert "Traceback" not in server.output
