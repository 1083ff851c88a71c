"""The metrics port."""

import fcntl
import http.client
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from c2casgiutils import config, prometheus
from tests.support.net import free_port, wait_for


def scrape(port: int, address: str = "127.0.0.1") -> str:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    prometheus.stop()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    number = free_port()
    monkeypatch.setenv("C2C__PROMETHEUS__PORT", str(number))
    config.settings = config.Settings()
    return number


def test_the_port_shows_the_metrics(port: int) -> None:
    prometheus.start()
    families = {family.name: family for family in text_string_to_metric_families(scrape(port))}
    assert {"python_info", "process_cpu_seconds"} <= set(families)
    packages = {sample.labels["package"] for sample in families["c2casgiutils_package_info"].samples}
    assert {"c2casgiutils", "fastapi"} <= packages
    memory = families["c2casgiutils_process_resident_memory_bytes"].samples[0].value
    assert 1_000_000 < memory < 10_000_000_000


def test_the_configured_prefix(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__PROMETHEUS__PREFIX", "maps_")
    config.settings = config.Settings()
    prometheus.start()
    text = scrape(port)
    assert "\nmaps_build_info{" in text
    assert "\nc2casgiutils_build_info{" not in text


def test_the_commit_is_shown(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_HASH", "0a1b2c3")
    prometheus.start()
    assert 'c2casgiutils_build_info{git_hash="0a1b2c3",git_tag="",service="' in scrape(port)


def test_it_listens_on_the_loopback_only(port: int) -> None:
    prometheus.start()
    scrape(port)
    with pytest.raises(ConnectionRefusedError):
        scrape(port, "127.0.0.2")


def test_the_address_setting(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__PROMETHEUS__ADDRESS", "127.0.0.3")
    config.settings = config.Settings()
    prometheus.start()
    assert scrape(port, "127.0.0.3")


def test_port_0_is_off(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("C2C__PROMETHEUS__PORT", "0")
    config.settings = config.Settings()
    with caplog.at_level(logging.INFO, "c2casgiutils.prometheus"):
        prometheus.start()
    assert caplog.records == []


def test_starting_and_stopping_twice_changes_nothing(port: int, caplog: pytest.LogCaptureFixture) -> None:
    prometheus.start()
    prometheus.start()
    prometheus.stop()
    prometheus.stop()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    with pytest.raises(ConnectionRefusedError):
        scrape(port)


def test_it_can_be_started_again(port: int) -> None:
    for _ in range(3):
        prometheus.start()
        assert scrape(port)
        prometheus.stop()


@pytest.mark.parametrize("several", [False, True], ids=["alone", "shared"])
def test_a_port_of_another_service_is_one_warning_and_is_not_waited_for(
    port: int,
    *,
    several: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """This one does not take the port when the other gives it up: it would be scraped as the other."""
    if several:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", port)):
        prometheus.start()
    with pytest.raises(AssertionError):
        wait_for(lambda: is_served(port), seconds=3)
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert f"port {port}: " in warning.getMessage()
    assert "C2C__PROMETHEUS__PORT" in warning.getMessage()


def test_an_address_that_is_not_of_this_machine(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning is about the address: another port would not help."""
    monkeypatch.setenv("C2C__PROMETHEUS__ADDRESS", "203.0.113.7")
    config.settings = config.Settings()
    prometheus.start()
    (warning,) = caplog.records
    assert f"on 203.0.113.7 port {port}: " in warning.getMessage()
    assert "set C2C__PROMETHEUS__ADDRESS to" in warning.getMessage()
    assert "C2C__PROMETHEUS__PORT" not in warning.getMessage()


_HOLDER = """
import sys, time
from c2casgiutils import prometheus
prometheus.start()
print("started", flush=True)
sys.stdin.read()
"""


def test_a_worker_takes_over_without_a_directory(port: int) -> None:
    """Processes that were started alike are workers of one service."""
    command = [sys.executable, "-c", _HOLDER]
    workers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"started\n"
    shown = _sample(scrape(port), "c2casgiutils_process_threads")
    (first,) = [worker for worker in workers if f'pid="{worker.pid}"' in shown]
    (second,) = [worker for worker in workers if worker is not first]
    first.kill()
    first.communicate()
    wait_for(lambda: is_served(port), what="the second worker")
    assert f'pid="{second.pid}"' in scrape(port)
    second.kill()
    second.communicate()


def _sample(text: str, name: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
    return line


def is_served(port: int) -> bool:
    try:
        return "python_info" in scrape(port)
    except ConnectionRefusedError:
        return False


def test_the_service_is_named(port: int) -> None:
    """Whoever scrapes a port sees whose metrics these are."""
    prometheus.name_service("Maps")
    try:
        prometheus.start()
        assert 'service="Maps"' in _sample(scrape(port), "c2casgiutils_build_info")
    finally:
        prometheus.name_service("")


@pytest.mark.parametrize("address", ["203.0.113.1", "no.such.host.invalid"])
def test_an_address_that_cannot_be_bound_is_one_warning(
    port: int, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    prometheus.start(address=address)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of several workers, of which this process is one."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def test_a_port_held_by_another_worker_is_no_warning(
    port: int, shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c2casgiutils.prometheus")
    with (shared / f"port-{port}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prometheus.start()
        assert [record.getMessage() for record in caplog.records] == [
            f"Another worker has the metrics port {port}, for all workers"
        ]
        with pytest.raises(ConnectionRefusedError):
            scrape(port)
    wait_for(lambda: len(caplog.records) == 2, what="the other worker's end")
    assert caplog.records[1].getMessage() == f"Serving metrics on 127.0.0.1 port {port}: those of all workers"
    assert f'pid="{os.getpid()}"' in scrape(port)


def test_the_gauges_of_dead_workers_are_removed(port: int, shared: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f"gauge_livesum_{dead.pid}.db", f"counter_{dead.pid}.db", f"gauge_livesum_{os.getpid()}.db"):
        (shared / name).write_bytes(b"\0" * 8)
    prometheus.start()
    assert f'pid="{dead.pid}"' not in scrape(port)
    left = {path.name for path in shared.glob("*.db")}
    assert left == {f"counter_{dead.pid}.db", f"gauge_livesum_{os.getpid()}.db"}
    prometheus.stop()
    assert {path.name for path in shared.glob("*.db")} == {f"counter_{dead.pid}.db"}


def test_a_directory_that_cannot_hold_a_lock(port: int, shared: Path) -> None:
    (shared / f"port-{port}.lock").mkdir()
    prometheus.start()
    assert scrape(port)


_WORKER = """
from prometheus_client import Gauge
Gauge("mine_live", "", multiprocess_mode="livesum").set(3)
Gauge("mine_all", "").set(4)
"""


def test_the_gauges_of_the_application_of_a_dead_worker(port: int, shared: Path) -> None:
    """Those with a live mode go with their worker, the others stay, as the documentation says."""
    worker = subprocess.Popen([sys.executable, "-c", _WORKER])
    assert worker.wait(30) == 0
    assert any(str(worker.pid) in path.name for path in shared.glob("gauge_livesum_*.db"))
    prometheus.start()
    scraped = scrape(port)
    assert "mine_live" not in scraped
    assert f'mine_all{{pid="{worker.pid}"}} 4.0' in scraped
    prometheus.stop()
