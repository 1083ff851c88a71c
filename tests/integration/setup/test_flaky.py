"""What `make test` does with tests that fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci" / "tests.py"
FLAKY = """
from pathlib import Path

def test_second_time():
    runs = Path("runs")
    runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
    assert runs.read_text() != "x"
"""
BROKEN = "def test_broken():\n    assert False\n"
FIXTURE = """
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def server():
    if not Path("server").exists():
        Path("server").touch()
        raise RuntimeError("not in time")

@pytest.mark.parametrize("number", range(20))
def test_of_server(server, number):
    pass
"""
SOUND = "def test_sound():\n    pass\n"


def run(folder: Path, *options: str, **files: str) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    command = [sys.executable, str(SCRIPT), "-p", "xdist", "-p", "pytest_cov", *options]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # quicker
    return subprocess.run(
        command, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=120
    )


def test_what_passes_alone_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "--numprocesses=2", "--dist=worksteal", flaky=FLAKY, sound=SOUND)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "flaky: test_flaky.py::test_second_time"
    assert (tmp_path / "runs").read_text() == "xx"


def test_what_fails_again_fails_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, flaky=FLAKY, broken=BROKEN)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("flaky: ")] == [
        "flaky: test_flaky.py::test_second_time"
    ]


def test_a_fixture_that_fails_a_module(tmp_path: Path) -> None:
    done = run(tmp_path, server=FIXTURE)
    assert done.returncode == 0, done.stdout
    assert sum(line.startswith("flaky: ") for line in done.stdout.splitlines()) == 20


def test_failures_in_many_modules_are_final(tmp_path: Path) -> None:
    done = run(tmp_path, **{f"broken_{number}": BROKEN for number in range(11)})
    assert done.returncode == 1, done.stdout
    assert "alone" not in done.stdout


@pytest.mark.parametrize(
    ("text", "code", "options"),
    [
        ("import no_such_module\n", 2, []),
        ("import no_such_module\n", 1, ["--numprocesses=1"]),
        ("", 5, []),
    ],
    ids=["cannot be collected", "cannot be collected by xdist", "no tests"],
)
def test_other_failures_are_final(tmp_path: Path, text: str, code: int, options: list[str]) -> None:
    done = run(tmp_path, *options, text=text)
    assert done.returncode == code, done.stdout
    assert "alone" not in done.stdout
