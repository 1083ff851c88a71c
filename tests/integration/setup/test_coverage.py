"""The settings of docs/coverage.md measure the workers of a server."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.processes import Uvicorn

ROOT = Path(__file__).parents[3]
MAIN = """\
from fastapi import FastAPI

import c2casgiutils

app = FastAPI()
c2casgiutils.install(app)


@app.get("/called")
async def called() -> int:
    return 1


@app.get("/other")
async def other() -> int:
    return 2
"""


def test_workers_that_end_by_a_signal(tmp_path: Path) -> None:
    (tmp_path / "my_app").mkdir()
    (tmp_path / "my_app" / "main.py").write_text(MAIN)
    found = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / "coverage.md").read_text(), re.DOTALL)
    assert found is not None
    (tmp_path / "pyproject.toml").write_text(found[1])
    env = {"C2C__PROMETHEUS__PORT": "0", "PYTHONPATH": str(tmp_path)}
    server = Uvicorn("my_app.main:app", workers=2, env=env, cwd=tmp_path)
    server.command[1:2] = ["-m", "coverage", "run", "-m"]
    with server:
        assert httpx.get(f"{server.url}/called").json() == 1
        server.terminate()
    _run(tmp_path, "combine")
    _run(tmp_path, "json")
    (file,) = json.loads((tmp_path / "coverage.json").read_text())["files"].values()
    assert file["missing_lines"] == [MAIN.splitlines().index("    return 2") + 1]


def _run(folder: Path, command: str) -> None:
    subprocess.run([sys.executable, "-m", "coverage", command], cwd=folder, check=True, capture_output=True)
