"""What `make serve` starts and prints."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.net import free_port, wait_for
from tests.support.processes import Process, binary

_ROOT = Path(__file__).parents[1]


def is_up(url: str) -> bool:
    """Whether the demo answers."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def test_the_printed_commands_do_what_they_say() -> None:
    """Without Redis, on SQLite; Ctrl-C ends it and leaves no database behind."""
    port = free_port()
    command = [sys.executable, "-m", "acceptance_tests.app", "--port", str(port)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("C2C__")}
    with Process(command, env={**env, "PYTHONUNBUFFERED": "1"}, cwd=_ROOT) as demo:
        wait_for(lambda: is_up(f"http://127.0.0.1:{port}/"), seconds=40, what="the demo")
        printed = demo.output.partition("Try in another terminal")[2].partition("For several processes")[0]
        script = 'set -e\ncurl() { command curl --fail --silent --show-error "$@"; echo; }\n' + printed
        binary("curl", "curl")
        result = subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert (result.returncode, result.stderr) == (0, "")
        answers = result.stdout.splitlines()
        assert answers[:2] == ['{"name":"one","id":1}', '[{"name":"one","id":1}]']
        assert '"overrides":[{"name":"app","level":"DEBUG"' in answers[-1]
        assert "A greeting was asked for" in demo.output
        demo.signal(signal.SIGINT)
        demo.wait()
        assert "Traceback" not in demo.output


def test_a_port_in_use() -> None:
    """One line says so and what to do, instead of an address and a secret that lead nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "acceptance_tests.app", "--port", port]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    problem = f"Cannot listen on 127.0.0.1, port {port}: Address already in use."
    assert done.stderr == f"{problem} Choose another port: make serve PORT=8081\n"


def test_make_passes_the_address_and_the_workers() -> None:
    """`make serve` runs the demo with what it is given."""
    command = ["make", "--dry-run", "serve", "HOST=0.0.0.0", "PORT=8123", "WORKERS=3"]
    printed = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True).stdout
    assert "-m acceptance_tests.app --host=0.0.0.0 --port=8123 --workers=3\n" in printed


@pytest.mark.parametrize("workers", [1, 2])
def test_no_warning_at_the_start(workers: int) -> None:
    """The demo is configured for development on one machine."""
    port = free_port()
    command = [sys.executable, "-m", "acceptance_tests.app", "--port", str(port), "--workers", str(workers)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("C2C__")}
    with Process(command, env={**env, "PYTHONUNBUFFERED": "1"}, cwd=_ROOT) as demo:
        wait_for(
            lambda: demo.output.count("Application startup complete") == workers, seconds=60, what="the demo"
        )
        demo.signal(signal.SIGINT)
        demo.wait()
        assert "WARNING" not in demo.output
