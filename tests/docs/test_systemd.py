"""The unit of docs/systemd.md: systemd accepts it, and what it starts ends as it says."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from c2casgiutils.config import Settings
from tests.support.net import free_port, wait_for
from tests.support.pages import blocks
from tests.support.processes import Process, binary

(UNIT,) = [block.code for block in blocks("ini") if block.page == "systemd.md"]
(VARIABLES,) = [block.code for block in blocks("text") if block.page == "systemd.md"]
DOCS = Path(__file__).parents[2] / "docs"
UNIT_FILE = "etc/systemd/system/shop.service"
STANDARD = (
    *("sysinit.target", "basic.target", "shutdown.target", "network.target", "network-online.target"),
    *(
        "multi-user.target",
        "paths.target",
        "slices.target",
        "sockets.target",
        "timers.target",
        "system.slice",
    ),
)
COMMAND = "/opt/shop/.venv/bin/uvicorn"
APPLICATION = """
import asyncio
from fastapi import FastAPI
import c2casgiutils

app = FastAPI()
c2casgiutils.install(app)

@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(3)
    return "done"
"""


def value(name: str) -> str:
    """Return the only value of a name."""
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with the unit as the page has it, what it starts, and the units of systemd that it needs."""
    for unit in STANDARD:
        write(tmp_path / "usr/lib/systemd/system" / unit, "[Unit]\nDescription=standard\n")
    write(tmp_path / UNIT_FILE, UNIT)
    write(tmp_path / COMMAND.removeprefix("/"), "#!/bin/sh\n").chmod(0o755)
    return tmp_path


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def verify(root: Path) -> tuple[int, str]:
    """Return the exit code and the complaints of systemd about the unit."""
    command = [binary("systemd-analyze", "systemd"), "verify", "--man=no", f"--root={root}", "shop.service"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_systemd_accepts_it(root: Path) -> None:
    """No line is unknown or wrong, and it is among those that systemd calls well protected."""
    assert (f"`/{UNIT_FILE}`" in (DOCS / "systemd.md").read_text(), verify(root)) == (True, (0, ""))
    unit = str(root / UNIT_FILE)
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit]
    subprocess.run(security, capture_output=True, check=True, timeout=60)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param("/uvicorn ", "/uvicorn_ ", "is not executable", id="program"),
        pytest.param("KillMode=mixed", "KillMode=some", "Failed to parse kill mode", id="value"),
        pytest.param("Restart=", "Restarts=", "'Restarts' in section", id="key"),
    ],
)
def test_systemd_refuses_a_broken_one(root: Path, old: str, new: str, complaint: str) -> None:
    """What the test above relies on: each fault is told."""
    write(root / UNIT_FILE, UNIT.replace(old, new))
    assert complaint in verify(root)[1]


def test_time_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is longer than the wait, of these settings, and the graceful shutdown of the server."""
    for name, setting in re.findall(r"^(\w+)=(.*)$", VARIABLES, re.MULTILINE):
        monkeypatch.setenv(name, setting)
    wait = Settings().drain_wait.total_seconds()
    graceful = float(value("ExecStart").partition("--timeout-graceful-shutdown ")[2])
    assert wait + graceful < float(value("TimeoutStopSec"))


def test_stop(tmp_path: Path) -> None:
    """SIGTERM to the first process alone ends all, after the running request and without an error."""
    (tmp_path / "main.py").write_text(APPLICATION)
    port = free_port()
    words = value("ExecStart").replace(COMMAND, f"{Path(sys.executable).parent}/uvicorn").split()
    words[words.index("8000")] = str(port)
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("C2C__")},
        **dict(re.findall(r"^Environment=(\w+)=(.*)$", UNIT, re.MULTILINE)),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
        "C2C__PROMETHEUS__PORT": "0",
        "C2C__DRAIN_WAIT": "2",
    }
    assert value("KillMode") == "mixed"
    with Process(words, env=environment, cwd=tmp_path, ready=f"http://127.0.0.1:{port}/c2c/readyz") as server:
        assert server.process is not None
        answers: list[httpx.Response] = []
        request = threading.Thread(
            target=lambda: answers.append(httpx.get(f"http://127.0.0.1:{port}/slow", timeout=60))
        )
        wait_for(lambda: server.output.count("startup complete") == 2, what="both workers")
        request.start()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(60)
        request.join()
        output = server.output
    assert (code, answers[0].status_code) == (0, 200)
    assert "Traceback" not in output
