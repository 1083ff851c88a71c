"""The metrics returned by a scrape: those of one process, or of all workers together."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from c2casgiutils import config
from c2casgiutils.prometheus._collectors import (
    BuildCollector,
    MapsCollector,
    RegisteredCollectors,
    ResourceCollector,
)
from c2casgiutils.prometheus._directory import multiprocess_directory
from c2casgiutils.prometheus._present import only_newest


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
    registry.register(ResourceCollector(set if directory is None else functools.partial(pids_of, directory)))
    if config.settings.prometheus.smaps:
        registry.register(MapsCollector())
    registry.register(RegisteredCollectors())
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
        yield from map(only_newest, collector.collect())  # type: ignore[no-untyped-call]  # the client library


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
