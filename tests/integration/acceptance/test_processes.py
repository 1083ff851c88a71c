"""Processes that tests own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from c2casgiutils.acceptance import Process, free_port, retry_timeout
from c2casgiutils.acceptance._processes import binary

SERVE = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]


def shell(script: str, **options: object) -> Process:
    return Process(["/bin/sh", "-c", script], **options)  # type: ignore[arg-type]  # passed on


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_ready_by_a_url(tmp_path: Path) -> None:
    """The block begins when the URL answers, and nothing listens after it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    process = Process([*SERVE, str(port)], cwd=tmp_path, ready=url)
    with process:
        assert process.is_running
        assert '"GET / HTTP/1.1" 200' in process.output
    assert not process.is_running
    assert process.output == ""


def test_ready_by_a_function(tmp_path: Path) -> None:
    """The function may raise until the process is ready."""
    file = tmp_path / "ready"
    with shell(f"sleep 0.3; echo yes > {file}; exec sleep 60", ready=lambda: "yes" in file.read_text()):
        assert file.exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo the reason; exit 3", "/bin/sh ended with 3\nthe reason\n"),
        ("echo the reason; exec sleep 60", "/bin/sh is not ready: No success within 0.5 s"),
    ],
)
def test_a_process_that_does_not_get_ready(script: str, message: str) -> None:
    """The message says how it ended, and has its output."""
    process = shell(script, ready=lambda: False, timeout=0.5)
    with pytest.raises(AssertionError) as raised, process:
        pass
    assert message in str(raised.value)
    assert "the reason" in str(raised.value)
    assert not process.is_running


def test_an_unknown_program() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"), Process(["no-such-program"]):
        pass


def test_its_children_end_with_it() -> None:
    """Nothing that the process started is left."""
    with shell("sleep 60 & echo $!; wait") as process:
        retry_timeout(lambda: process.output.endswith("\n"), interval=0.02)
        child = int(process.output)
        assert runs(child)
    retry_timeout(lambda: not runs(child), interval=0.02)


def test_a_clean_end() -> None:
    """SIGTERM comes first, and the exit code is that of the process."""
    process = shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    process.start()
    retry_timeout(lambda: "ready" in process.output, interval=0.02)
    assert process.terminate() == 7
    assert process.output == "ready\nbye\n"
    process.close()


def test_a_process_that_ignores_the_end() -> None:
    """It is killed."""
    with shell("trap '' TERM; echo ready; while :; do sleep 0.05; done") as process:
        retry_timeout(lambda: "ready" in process.output, interval=0.02)
        with pytest.raises(subprocess.TimeoutExpired):
            process.terminate(0.2)
        retry_timeout(lambda: not process.is_running, interval=0.02)


def test_a_paused_process_ends() -> None:
    """One that hangs is let go on to end."""
    with shell("exec sleep 60") as process:
        process.pause()
        assert process.terminate() == -signal.SIGTERM


def test_it_is_started_again() -> None:
    """The output of both is kept."""
    with shell("echo started; exec sleep 60", ready=lambda: True) as process:
        retry_timeout(lambda: process.output == "started\n", interval=0.02)
        process.kill()
        process.start()
        retry_timeout(lambda: process.output == "started\nstarted\n", interval=0.02)


def test_the_environment() -> None:
    """It is that of the tests, or the one that is given."""
    os.environ["C2C_TEST"] = "inherited"
    try:
        with shell("echo $C2C_TEST") as process:
            process.wait()
            assert process.output == "inherited\n"
    finally:
        del os.environ["C2C_TEST"]
    with shell("echo $C2C_TEST", env={"C2C_TEST": "given"}) as process:
        process.wait()
        assert process.output == "given\n"


def test_before_the_start() -> None:
    process = shell("exit 0")
    assert (process.is_running, process.output, process.terminate()) == (False, "", 0)
    with pytest.raises(RuntimeError, match="/bin/sh is not started"):
        _ = process.pid
    process.close()


def test_a_missing_program() -> None:
    """The error says how to install it."""
    with pytest.raises(RuntimeError, match="no-such-server is missing: apt-get install --yes some-package"):
        binary("no-such-server", "some-package")


def test_free_ports_differ() -> None:
    started = time.monotonic()
    ports = {free_port() for _ in range(10)}
    assert len(ports) > 1, f"the same port ten times within {time.monotonic() - started} s"
