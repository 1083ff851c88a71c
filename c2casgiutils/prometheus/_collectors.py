"""The metrics read at each scrape: the build, resources of the workers, and collectors of applications."""

import contextlib
import functools
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from c2casgiutils import _proc, config, versions
from c2casgiutils.config._foreign import foreign
from c2casgiutils.prometheus._state import STATE

_LOGGER = logging.getLogger(__name__)

_RUSAGE = "ru_"


class Collector(Protocol):
    """Returns metric families at each scrape, as collectors of `prometheus_client` do."""

    def collect(self) -> Iterable[Any]:
        """Return the metric families."""
        ...


def register(collector: Collector) -> None:
    """Add a collector to each scrape, of the port and of `/metrics`; adding it again has no effect.

    With several workers it is called in the process that answers the scrape, so it is for values that are the
    same in all of them, such as the length of a queue in a database. What each worker counts is a metric of
    `prometheus_client`, which `PROMETHEUS_MULTIPROC_DIR` adds up.

    It is called in a thread. A collector that raises is logged and left out, the other metrics are served.

    Args:
        collector: Has a method `collect`, which returns metric families.

    Raises:
        TypeError: It has no such method.
    """
    if not callable(getattr(collector, "collect", None)):
        raise TypeError(f"a collector must have a method collect(), which {type(collector).__name__} lacks")
    if collector not in STATE.collectors:
        STATE.collectors.append(collector)


class RegisteredCollectors:
    """The collectors that were added by `register`, also after the port was opened."""

    def collect(self) -> Iterator[Any]:
        """Return the metrics of those that do not fail."""
        for collector in list(STATE.collectors):
            try:
                families = [_checked(family) for family in collector.collect()]
            except Exception:
                _LOGGER.exception("The metrics of the collector %s are left out", type(collector).__name__)
                continue
            yield from families


def _checked(family: Any) -> Any:
    """Return a metric family whose values are numbers: any other would fail the scrape of all metrics."""
    for sample in family.samples:
        float(sample.value)
    return family


class BuildCollector:
    """The running build: `build_info` with the commit and the tag, and the versions of packages.

    Packages that a setting names and that are not installed are logged.
    """

    def __init__(self) -> None:
        settings = config.settings.prometheus
        self._build = [versions.git_hash() or foreign("GIT_HASH") or "", versions.git_tag() or ""]
        self._packages = versions.installed(settings.packages)
        named = [settings.application_package] if settings.application_package else []
        self._application = versions.installed(named)
        if "packages" in settings.model_fields_set:
            _warn_of_missing("PACKAGES", frozenset(settings.packages).difference(self._packages))
        _warn_of_missing("APPLICATION_PACKAGE", frozenset(named).difference(self._application))

    def collect(self) -> Iterator[Any]:
        """Return the metrics, which have the value 1 and the information in their labels."""
        from prometheus_client.metrics_core import GaugeMetricFamily

        prefix = config.settings.prometheus.prefix
        build = GaugeMetricFamily(
            f"{prefix}build_info", "The deployed build", labels=["git_hash", "git_tag", "service"]
        )
        build.add_metric([*self._build, STATE.service], 1)
        yield build
        yield _versions(f"{prefix}package_info", "Version of an installed package", self._packages)
        if self._application:
            yield _versions(f"{prefix}application_info", "Version of the application", self._application)


@functools.cache  # each scrape of `/metrics` creates a collector
def _warn_of_missing(setting: str, missing: frozenset[str]) -> None:
    if missing:
        _LOGGER.warning("C2C__PROMETHEUS__%s: not installed: %s", setting, ", ".join(sorted(missing)))


def _versions(name: str, text: str, installed: dict[str, str]) -> Any:
    from prometheus_client.metrics_core import GaugeMetricFamily

    metric = GaugeMetricFamily(name, text, labels=["package", "version"])
    for package, version in installed.items():
        metric.add_metric([package, version], 1)
    return metric


_RESOURCES: dict[str, tuple[str, tuple[str, ...]]] = {  # name: its description, and its labels beside `pid`
    "process_resident_memory_bytes": ("Resident memory of a worker", ()),
    "process_shared_memory_bytes": ("Part of the resident memory that may be shared with others", ()),
    "process_cpu_seconds_total": ("CPU time of a worker, in user or system mode", ("mode",)),
    "process_page_faults_total": ("Page faults of a worker, the major ones read from disk", ("kind",)),
    "process_threads": ("Threads of a worker", ()),
    "process_open_fds": ("Open file descriptors of a worker", ()),
    "python_memory_info": ("Memory of a worker by kind, in bytes", ("name",)),
    "python_resource": ("Resources used by a worker, as getrusage(2) names them", ("name",)),
}


class ResourceCollector:
    """Resources used by each worker, read from `/proc`; on other systems only `python_resource` of this one.

    Args:
        pids: Returns the ids of the workers that share their metrics.
    """

    def __init__(self, pids: Callable[[], set[int]] = set) -> None:
        self._pids = pids

    def collect(self) -> Iterator[Any]:
        """Return the metrics, each with the label `pid`."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        prefix = config.settings.prometheus.prefix
        pids = {os.getpid(), *self._pids()}
        read = {pid: figures for pid in sorted(pids) if (figures := _figures(pid))}
        for name, (text, labels) in _RESOURCES.items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = family(prefix + name, text, labels=["pid", *labels])
            for pid, figures in read.items():
                for values, figure in figures.get(name, {}).items():
                    metric.add_metric([str(pid), *values], figure)
            yield metric


def _figures(pid: int) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the figures of a process by metric and further labels; empty if it has ended."""
    process = Path("/proc") / str(pid)
    own = {"python_resource": _own_usage()} if pid == os.getpid() else {}
    try:
        stat = (process / "stat").read_bytes().rpartition(b")")[2].split()
        descriptors = len(os.listdir(process / "fd"))  # noqa: PTH208  # only counted, paths are not needed
    except OSError:
        return dict(own)
    memory = _proc.memory_kinds(pid)
    ticks = os.sysconf("SC_CLK_TCK")
    user, system, minor, major = int(stat[11]) / ticks, int(stat[12]) / ticks, int(stat[7]), int(stat[9])
    usage = {"utime": user, "stime": system, "minflt": minor, "majflt": major}
    return {
        "process_resident_memory_bytes": {(): memory.get("rss", 0)},
        "process_shared_memory_bytes": {(): memory.get("shared", 0)},
        "process_cpu_seconds_total": {("user",): user, ("system",): system},
        "process_page_faults_total": {("minor",): minor, ("major",): major},
        "process_threads": {(): int(stat[17])},
        "process_open_fds": {(): descriptors},
        "python_memory_info": {(kind,): size for kind, size in memory.items()},
        "python_resource": {(name,): value for name, value in usage.items()},
        **own,
    }


def _own_usage() -> dict[tuple[str, ...], float]:
    """Return what `getrusage` knows of this process, by the names of its fields without `ru_`."""
    with contextlib.suppress(ImportError):
        import resource  # only on Unix

        usage = resource.getrusage(resource.RUSAGE_SELF)
        names = [name for name in dir(usage) if name.startswith(_RUSAGE)]
        return {(name.removeprefix(_RUSAGE),): getattr(usage, name) for name in names}
    return {}


class MapsCollector:
    """The memory mappings of this process (`C2C__PROMETHEUS__SMAPS`)."""

    def collect(self) -> Iterator[Any]:
        """Return the metric, in bytes."""
        from prometheus_client.metrics_core import GaugeMetricFamily

        metric = GaugeMetricFamily(
            f"{config.settings.prometheus.prefix}process_smap_pss_bytes",
            "Proportional share of the memory of a mapping",
            labels=["pid", "name"],
        )
        for one in _proc.own_memory_maps():
            metric.add_metric([str(os.getpid()), one.name], one.pss)
        yield metric
