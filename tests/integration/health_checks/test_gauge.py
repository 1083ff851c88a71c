"""The gauges of the checks with several workers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from c2casgiutils import prometheus

_ROOT = Path(__file__).parents[3]
_WORKER = """
import asyncio, sys
from c2casgiutils.health_checks import Custom, Factory
from c2casgiutils.health_checks._metrics import record_versions

def check():
    if wanted == "fail":
        raise ValueError("as told")

factory = Factory()
factory.add(Custom(check), name="told", ttl=0)
for wanted in map(str.strip, sys.stdin):
    if wanted.startswith("at"):
        record_versions("alembic.ini", [], wanted.split()[1:])
    else:
        asyncio.run(factory.check())
    print("done", flush=True)
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Callable[[str], None]]]:
    """Start workers that share a directory; each is told how its next run ends."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    workers: list[subprocess.Popen[str]] = []

    def start_one() -> Callable[[str], None]:
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        workers.append(worker)

        def run(result: str) -> None:
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(f"{result}\n")
            worker.stdin.flush()
            assert worker.stdout.readline() == "done\n"

        return run

    yield start_one
    for worker in workers:
        worker.communicate(timeout=30)


def failure() -> str:
    """The sample of the gauge."""
    text = prometheus.render()[0].decode()
    (line,) = [line for line in text.splitlines() if line.startswith("c2casgiutils_health_checks_failure{")]
    return line.split()[-1]


def test_the_newest_run_of_all_workers_counts(start: Callable[[], Callable[[str], None]]) -> None:
    """A failure that two workers saw is over as soon as one of them sees the check pass, and the reverse."""
    first, second = start(), start()
    first("fail")
    second("fail")
    assert failure() == "1.0"
    first("pass")
    assert failure() == "0.0"
    second("fail")
    assert failure() == "1.0"
    second("pass")
    assert failure() == "0.0"


def test_the_newest_revision_of_all_workers_counts(start: Callable[[], Callable[[str], None]]) -> None:
    """Whoever answers the scrape, which may be a process that has not looked for itself."""
    first, second = start(), start()

    def shown() -> set[str]:
        lines = prometheus.render()[0].decode().splitlines()
        found = [line for line in lines if line.startswith("c2casgiutils_alembic_version{")]
        assert all(line.endswith(" 1.0") for line in found)
        return {line.partition('version="')[2].partition('"')[0] for line in found}

    first("at one")
    assert shown() == {"one"}
    second("at two three")
    assert shown() == {"two", "three"}
    first("at two three")
    second("at one")
    assert shown() == {"one"}
    first("at")
    assert shown() == set()
