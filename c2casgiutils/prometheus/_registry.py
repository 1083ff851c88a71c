"""The metrics returned by a scrape: those of one process, or of all workers together."""

import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from c2casgiutils import config, versions
from c2casgiutils.config._foreign import foreign
from c2casgiutils.prometheus._state import STATE

_FILE_SIZE = 65_536
"""The client library maps files of this size; writing to one on a full disk kills the process."""
_PACKAGES = ("c2casgiutils", "fastapi", "pydantic", "redis", "sqlalchemy", "starlette", "uvicorn")
"""Packages whose versions are shown if they are installed; few, as each is a time series."""


def multiprocess_directory() -> Path | None:
    """Return the directory in which workers share their metrics, or `None`; it is created if missing.

    Raises:
        ConfigurationError: It cannot be created or is not writable; ends the start.
    """
    name = foreign("PROMETHEUS_MULTIPROC_DIR")
    return None if name is None else _writable(name)


@functools.cache
def _writable(name: str) -> Path:
    directory = Path(name)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(_FILE_SIZE))
    except OSError as error:
        problem = f"PROMETHEUS_MULTIPROC_DIR: {name} is not writable ({error.strerror})"
        config.end_start([f"{problem}; it must be a directory that all workers can write to"])
    return directory


def create_registry() -> Any:
    """Create the registry for a scrape, a `prometheus_client.CollectorRegistry`.

    With `PROMETHEUS_MULTIPROC_DIR` it contains the metrics of all workers that share the directory,
    aggregated by the client library, otherwise those of this process.
    """
    from prometheus_client import REGISTRY, CollectorRegistry, PlatformCollector

    registry = CollectorRegistry()
    directory = multiprocess_directory()
    if directory is None:
        registry.register(REGISTRY)
    else:
        registry.register(_Workers(directory))
        PlatformCollector(registry)
    registry.register(BuildCollector())
    registry.register(ResourceCollector(directory))
    return registry


def render(accept: str = "") -> tuple[bytes, str]:
    """Return the metrics as text and its content type.

    Args:
        accept: The `Accept` header, which selects the OpenMetrics format if requested.
    """
    from prometheus_client.exposition import choose_encoder

    encoder, content_type = choose_encoder(accept)
    return encoder(create_registry()), content_type


class _Workers:
    """The metrics of all workers, after removing the gauge files of workers that have ended."""

    def __init__(self, directory: Path) -> None:
        from prometheus_client import multiprocess

        self._directory = directory
        self._multiprocess = multiprocess

    def collect(self) -> Iterator[Any]:
        directory = str(self._directory)
        for pid in pids_of(self._directory):
            if not _is_alive(pid):
                self._multiprocess.mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]  # the client library
        collector = self._multiprocess.MultiProcessCollector(None, directory)  # type: ignore[no-untyped-call]  # the client library
        yield from collector.collect()  # type: ignore[no-untyped-call]  # the client library


class BuildCollector:
    """The running build: `build_info` with the commit and the tag, `package_info` for the main packages."""

    def __init__(self) -> None:
        self._build = [versions.git_hash() or foreign("GIT_HASH") or "", versions.git_tag() or ""]
        self._packages = versions.installed(_PACKAGES)

    def collect(self) -> Iterator[Any]:
        """Return the metrics, which have the value 1 and the information in their labels."""
        from prometheus_client.metrics_core import GaugeMetricFamily

        prefix = config.settings.prometheus.prefix
        build = GaugeMetricFamily(
            f"{prefix}build_info", "The deployed build", labels=["git_hash", "git_tag", "service"]
        )
        build.add_metric([*self._build, STATE.service], 1)
        yield build
        packages = GaugeMetricFamily(
            f"{prefix}package_info", "Version of an installed package", labels=["package", "version"]
        )
        for package, version in self._packages.items():
            packages.add_metric([package, version], 1)
        yield packages


_RESOURCES: dict[str, tuple[str, str | None]] = {  # name: its description, and its label beside `pid`
    "process_resident_memory_bytes": ("Resident memory of a worker", None),
    "process_shared_memory_bytes": ("Part of the resident memory that may be shared with others", None),
    "process_cpu_seconds_total": ("CPU time of a worker, in user or system mode", "mode"),
    "process_page_faults_total": ("Page faults of a worker, the major ones read from disk", "kind"),
    "process_threads": ("Threads of a worker", None),
    "process_open_fds": ("Open file descriptors of a worker", None),
}


class ResourceCollector:
    """Resources used by each worker, read from `/proc`; not available on other systems.

    Args:
        directory: The directory shared by the workers; without it, only this process is shown.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    def collect(self) -> Iterator[Any]:
        """Return the metrics, each with the label `pid`."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        prefix = config.settings.prometheus.prefix
        pids = {os.getpid(), *(pids_of(self._directory) if self._directory else ())}
        read = {pid: figures for pid in sorted(pids) if (figures := _figures(pid))}
        for name, (text, label) in _RESOURCES.items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = family(prefix + name, text, labels=["pid", *([label] if label else [])])
            for pid, figures in read.items():
                for values, figure in figures.get(name, {}).items():
                    metric.add_metric([str(pid), *values], figure)
            yield metric


def pids_of(directory: Path) -> set[int]:
    """Return the ids of the processes that wrote metrics to the directory, including dead ones."""
    names = (path.stem.rpartition("_")[2] for path in directory.glob("*.db"))
    return {int(name) for name in names if name.isdecimal()}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _figures(pid: int) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the figures of a process by metric and further labels (proc(5)); empty if it has ended."""
    process = Path("/proc") / str(pid)
    try:
        stat = (process / "stat").read_bytes().rpartition(b")")[2].split()
        memory = (process / "statm").read_bytes().split()
        descriptors = len(os.listdir(process / "fd"))  # noqa: PTH208  # only counted, paths are not needed
    except OSError:
        return {}
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    return {
        "process_resident_memory_bytes": {(): int(memory[1]) * page},
        "process_shared_memory_bytes": {(): int(memory[2]) * page},
        "process_cpu_seconds_total": {("user",): int(stat[11]) / ticks, ("system",): int(stat[12]) / ticks},
        "process_page_faults_total": {("minor",): int(stat[7]), ("major",): int(stat[9])},
        "process_threads": {(): int(stat[17])},
        "process_open_fds": {(): descriptors},
    }
