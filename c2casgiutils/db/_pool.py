"""The pool of the engines: that of SQLAlchemy, which also tells when somebody waits for a connection."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2casgiutils.db._hangs import HangWatch
    from c2casgiutils.db._metrics import EngineMetrics


def create_pool_class(metrics: "EngineMetrics", hangs: "HangWatch") -> Any:
    """Create the class of a pool.

    Args:
        metrics: Of its engine.
        hangs: Watches who waits for a connection.
    """
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError
    from sqlalchemy.pool import AsyncAdaptedQueuePool

    class MeasuredPool(AsyncAdaptedQueuePool):
        """A pool that counts."""

        # SQLAlchemy names the logger after the module, and its levels are not those of this package.
        __module__ = AsyncAdaptedQueuePool.__module__

        def __init__(self, creator: Any, pool_size: int = 5, max_overflow: int = 10, **options: Any) -> None:
            super().__init__(creator, pool_size=pool_size, max_overflow=max_overflow, **options)
            self._is_bounded = pool_size > 0 and max_overflow >= 0
            self._most = pool_size + max_overflow
            self._tests_connections = bool(options.get("pre_ping"))

        def connect(self) -> Any:
            if self._is_bounded and self.checkedout() >= self._most:
                metrics.wait()
            if not self._tests_connections:  # all else that waits is bounded
                return self._connect()
            key = object()
            hangs.begin(key)
            try:
                return self._connect()
            finally:
                hangs.end(key)

        def _connect(self) -> Any:
            try:
                return super().connect()
            except PoolTimeoutError:
                metrics.time_out()
                raise

    return MeasuredPool
