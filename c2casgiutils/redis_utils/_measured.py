"""Clients that measure their commands, for `C2C__REDIS__METRICS`."""

import contextlib
import functools
import logging
import re
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import ClusterPipeline

from c2casgiutils import config

if TYPE_CHECKING:
    from prometheus_client import Histogram

_LOGGER = logging.getLogger(__name__)

_MAX_COMMANDS = 100
_COMMAND = re.compile(r"[A-Z][A-Z0-9._-]{0,30}")
_OTHER = "other"
_PIPELINE = "PIPELINE"


class MeasuredRedis(Redis):
    """A client that measures its commands."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Execute a command."""
        with _measured(args[0]):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Create a pipeline, which is measured as a whole."""
        return _MeasuredPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _MeasuredPipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        with _measured(_PIPELINE):
            return await super().execute(raise_on_error)


class MeasuredCluster(RedisCluster):
    """A client of a cluster that measures its commands."""

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Execute a command."""
        with _measured(args[0]):
            return await super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """Create a pipeline, which is measured as a whole."""
        if shard_hint:
            return super().pipeline(transaction, shard_hint)
        pipeline_class: Any = _MeasuredClusterPipeline  # abstract only for type checkers
        pipeline: ClusterPipeline = pipeline_class(self, transaction)
        return pipeline


class _MeasuredClusterPipeline(ClusterPipeline):
    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        with _measured(_PIPELINE):
            return await super().execute(raise_on_error, allow_redirections)


@contextlib.contextmanager
def _measured(command: str | bytes) -> Iterator[None]:
    """Observe the duration of a command, also of one that fails."""
    started = time.perf_counter()
    try:
        yield
    finally:
        metric = _metric(config.settings.prometheus.prefix)
        if metric is not None:
            metric.observe(command, time.perf_counter() - started)


class _Metric:
    """The histogram, with a bounded number of labels: an application may send what its clients choose."""

    def __init__(self, histogram: "Histogram") -> None:
        self._histogram = histogram
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def observe(self, command: str | bytes, seconds: float) -> None:
        text = command.decode("ascii", "replace") if isinstance(command, bytes) else command
        self._histogram.labels(self._label(text.partition(" ")[0].upper())).observe(seconds)

    def _label(self, verb: str) -> str:
        with self._lock:
            if verb in self._known:
                return verb
            if len(self._known) >= _MAX_COMMANDS or not _COMMAND.fullmatch(verb):
                return _OTHER
            self._known.add(verb)
            return verb


@functools.cache
def _metric(prefix: str) -> _Metric | None:
    from prometheus_client import Histogram

    name = f"{prefix}redis_command_duration_seconds"
    try:
        return _Metric(Histogram(name, "Duration of the commands of Redis", ["command"]))
    except ValueError as error:
        _LOGGER.warning("No metric %s: %s", name, error)
        return None
