"""Row 13: scripts run as modules, as the Dockerfiles of 0.x call them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_module(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", module, *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_genversion_writes_the_file(tmp_path: Path) -> None:
    """`python -m` does the same as the console script."""
    done = run_module("c2casgiutils.scripts.genversion", "1.0", "abc", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads((tmp_path / "versions.json").read_text())
    assert content["main"] == {"git_hash": "abc", "git_tag": "1.0"}


@pytest.mark.parametrize("script", ["genversion", "grade"])
def test_wrong_arguments_fail(tmp_path: Path, script: str) -> None:
    """Each script reads its arguments when it runs as a module."""
    done = run_module(f"c2casgiutils.scripts.{script}", "--nonsense", cwd=tmp_path)
    assert done.returncode == 2
    assert f"usage: c2casgiutils-{script}" in done.stderr
