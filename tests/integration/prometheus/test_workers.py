"""The metrics port with several uvicorn workers."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.net import free_port, wait_for
from tests.support.processes import Uvicorn

APP = """
import os
import c2casgiutils
from c2casgiutils import prometheus
from fastapi import FastAPI
from prometheus_client.metrics_core import GaugeMetricFamily

class Queue:
    def collect(self):
        yield GaugeMetricFamily("queue_length", "Messages in the queue of all workers", value=3)

prometheus.register(Queue())
app = FastAPI(title=os.environ.get("TITLE", "Maps"))
c2casgiutils.install(app)

@app.get("/")
async def process() -> int:
    return os.getpid()
"""


@pytest.fixture
def application(tmp_path: Path) -> Path:
    (tmp_path / "app_of_the_test.py").write_text(APP)
    (tmp_path / "logging.yaml").write_text(
        "{version: 1, disable_existing_loggers: false, root: {level: INFO, handlers: [c]}, "
        "handlers: {c: {class: logging.StreamHandler}}}"
    )
    (tmp_path / "metrics").mkdir()
    return tmp_path


@contextlib.contextmanager
def serve(
    directory: Path, *, workers: int, shared: bool, port: int | None = None, title: str = "Maps"
) -> Iterator[tuple[Uvicorn, int]]:
    port = port or free_port()
    env = {
        "TITLE": title,
        "C2C__PROMETHEUS__PORT": str(port),
        "C2C__DRAIN_WAIT": "0",
        **({"PROMETHEUS_MULTIPROC_DIR": str(directory / "metrics")} if shared else {}),
    }
    server = Uvicorn(
        "app_of_the_test:app",
        "--log-config",
        str(directory / "logging.yaml"),
        "--timeout-worker-healthcheck",
        "40",
        workers=workers,
        env=env,
        cwd=directory,
    )
    server.env = {**(server.env or {}), "PYTHONPATH": f"{Path(__file__).parents[3]}:{directory}"}
    with server:
        yield server, port


def pids(server: Uvicorn, number: int) -> set[int]:
    """The processes that answer, found by new connections."""
    found: set[int] = set()

    def all_found() -> bool:
        found.add(int(httpx.get(server.url, timeout=10).text))
        return len(found) >= number

    wait_for(all_found, seconds=30, what=f"{number} workers that answer")
    return found


def scrape(port: int) -> str | None:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    except httpx.TransportError:
        return None


def values(text: str, name: str) -> dict[str, float]:
    """The samples of a name by the label `pid`, or summed up under an empty one."""
    result: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                pid = sample.labels.get("pid", "")
                result[pid] = result.get(pid, 0) + sample.value
    return result


def test_two_workers_are_shown_together(application: Path) -> None:
    with serve(application, workers=2, shared=True) as (server, port):
        started = scrape(port)
        assert started is not None
        before = sum(values(started, "http_requests_total").values())
        workers = pids(server, 2)
        for _ in range(20):
            httpx.get(server.url, timeout=10)
        text = scrape(port)
        assert text is not None
        assert {int(pid) for pid in values(text, "c2casgiutils_process_threads")} == workers
        for name in ("c2casgiutils_python_memory_info", "c2casgiutils_python_resource"):
            assert {int(pid) for pid in values(text, name)} == workers
        assert values(text, "queue_length") == {"": 3}  # once, not once for each worker
        assert values(text, "http_requests_inprogress") == {"": 0}
        assert values(text, "http_requests_total")[""] >= before + 20
        assert "WARNING" not in server.output
        assert server.output.count("Serving metrics on 127.0.0.1") == 1
        assert server.terminate() == 0


def test_without_a_directory_the_port_shows_one_worker_and_says_so(application: Path) -> None:
    with serve(application, workers=2, shared=False) as (server, port):
        workers = pids(server, 2)
        text = scrape(port)
        assert text is not None
        shown = {int(pid) for pid in values(text, "c2casgiutils_process_threads")}
        assert len(shown) == 1
        assert shown < workers
        assert f"those of process {shown.pop()} only" in server.output
        assert server.output.count("with PROMETHEUS_MULTIPROC_DIR the port") == 1


def test_another_worker_takes_over_from_one_that_is_killed(application: Path) -> None:
    with serve(application, workers=2, shared=True) as (server, port):
        first = pids(server, 2)
        (holder,) = [pid for pid in first if f"{port:04X} 00000000:0000 0A" in _listening(pid)]
        os.kill(holder, signal.SIGKILL)

        def is_merged() -> bool:
            text = scrape(port)
            shown = set(values(text, "c2casgiutils_process_threads")) if text else set()
            return str(holder) not in shown and len(shown) == 2

        wait_for(is_merged, seconds=30, what="the metrics of the survivor and of the new worker")
        assert values(scrape(port) or "", "queue_length") == {"": 3}


def _listening(pid: int) -> str:
    """The listening sockets of the process, as lines of /proc/net/tcp."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return "\n".join(line for line in lines if line.split()[9] in inodes)


def test_four_workers_and_a_rolling_restart(application: Path) -> None:
    with serve(application, workers=4, shared=True) as (server, port):
        before = pids(server, 4)
        server.signal(signal.SIGHUP)

        def is_replaced() -> bool:
            httpx.get(server.url, timeout=10).raise_for_status()
            text = scrape(port)
            shown = {int(pid) for pid in values(text, "c2casgiutils_process_threads")} if text else set()
            return len(shown) == 4 and not shown & before

        wait_for(is_replaced, seconds=60, what="the metrics of four new workers")
        assert "WARNING" not in server.output


def test_two_services_with_one_port(application: Path) -> None:
    """The second service never answers in place of the first, also while that one restarts."""
    with (
        serve(application, workers=1, shared=False) as (first, port),
        serve(application, workers=1, shared=False, port=port, title="Search") as (second, _),
    ):
        assert 'service="Maps"' in (scrape(port) or "")
        assert "Cannot serve the metrics on 127.0.0.1 port" in second.output
        first.terminate()
        with pytest.raises(AssertionError):
            wait_for(lambda: scrape(port) is not None, seconds=3)
        with serve(application, workers=1, shared=False, port=port):
            assert 'service="Maps"' in (scrape(port) or "")
