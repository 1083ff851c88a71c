"""A replica that may fail or lag: reads use the primary meanwhile, and the replica again once it is back."""

import asyncio
import collections
import contextlib
import datetime
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from c2casgiutils._outages import Outage
from c2casgiutils._periodic import PeriodicTask
from c2casgiutils._tasks import Failure, caught
from c2casgiutils.db._errors import ReplicaError
from c2casgiutils.db._probe import Probe, end, failure_of, give_back
from c2casgiutils.request_tracking import create_detached_task

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

_LOGGER = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_MAX_POSITIONS = 3600

_POSITION_OF_PRIMARY = "SELECT pg_current_wal_lsn() - '0/0'"
_POSITION_OF_REPLICA = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0' END, pg_is_in_recovery()"
)


class Replica:
    """The state of a replica on one event loop.

    It is asked once a second, and each checkout tells too. The lag is the age of the first position of the
    primary that the replica has not replayed: no clocks are compared, and an idle primary is no lag.

    Attributes:
        reason: Why reads use the primary, `None` while they use the replica.

    Args:
        name: Of the database.
        engine: Of the replica.
        primary: Of the primary.
        max_lag: Reads use the primary while the replica is further behind, or while nobody knows how far.
        on_change: Called with each new state, and with the first.
    """

    def __init__(
        self,
        name: str,
        engine: "AsyncEngine",
        primary: "AsyncEngine",
        *,
        max_lag: datetime.timedelta | None,
        on_change: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self.reason: str | None = None if max_lag is None else "the lag is not known yet"
        self._probe = Probe(engine)
        self._primary_probe = Probe(primary) if max_lag is not None else None
        self._is_postgresql = engine.dialect.name == "postgresql"
        self._max_lag_seconds = 0.0 if max_lag is None else max_lag.total_seconds()
        self._on_change = on_change
        self._was_in_recovery = False
        self._positions: collections.deque[tuple[float, int]] = collections.deque()
        self._outage = Outage(
            _LOGGER,
            f"The replica of the database {name} is not used, reads use the primary: %s",
            f"The replica of the database {name} is used again after %.1f s",
        )
        self._down = asyncio.Event()
        self._periodic = PeriodicTask(f"replica of the database {name}", _INTERVAL_SECONDS)
        self._watcher: asyncio.Task[None] | None = None
        self._returning: set[asyncio.Task[None]] = set()

    @property
    def is_up(self) -> bool:
        """Return whether reads use the replica."""
        return self.reason is None

    async def open(self, create: "Callable[[], AsyncSession]") -> "AsyncSession | None":
        """Return a session that has a connection of the replica, `None` when reads use the primary.

        Raises:
            sqlalchemy.exc.TimeoutError: All connections of the pool stayed in use.
        """
        from sqlalchemy.exc import TimeoutError as PoolTimeoutError

        self.watch()
        if not self.is_up:
            return None
        session = create()
        checkout = asyncio.create_task(caught(session.connection()))
        down = asyncio.create_task(self._down.wait())
        try:
            await asyncio.wait({checkout, down}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._return_later(checkout, session)
            raise
        finally:
            down.cancel()
        if not checkout.done():
            self._return_later(checkout, session)
            return None
        error = failure_of(checkout)
        if error is None:
            return session
        await session.close()
        if isinstance(error, PoolTimeoutError):
            raise error
        self._probe.suspect()
        self._set(type(error).__name__)
        return None

    def watch(self) -> None:
        """Begin to ask the replica, unless that has begun."""
        if self._watcher is None:
            self._periodic.start()
            self._watcher = create_detached_task(self._watch())

    async def aclose(self) -> None:
        """End all of it."""
        self._periodic.stop()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
        await asyncio.gather(*(end(task) for task in list(self._returning)))
        await self._probe.aclose()
        if self._primary_probe is not None:
            await self._primary_probe.aclose()

    def _return_later(self, checkout: "asyncio.Task[object]", session: "AsyncSession") -> None:
        task = asyncio.create_task(give_back(checkout, session))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    async def _watch(self) -> None:
        self._on_change(self.is_up)
        while True:
            try:
                with self._periodic.run():
                    await self._check()
            except Exception as error:  # noqa: BLE001  # a driver raises what it likes; it is the state
                self._set(str(error) if isinstance(error, ReplicaError) else _describe(error))
            else:
                if not self._probe.is_suspect:  # otherwise a checkout failed during the question
                    self._set(None)
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _check(self) -> None:
        """Ask the servers.

        Raises:
            ReplicaError: Reads must use the primary.
            Exception: The replica is unreachable.
        """
        if not self._is_postgresql:
            await self._probe.ask("SELECT 1")
            return
        await self._note_position_of_primary()
        position, is_in_recovery = await self._probe.ask(_POSITION_OF_REPLICA)
        if self._was_in_recovery and not is_in_recovery:
            raise ReplicaError("it was promoted")
        self._was_in_recovery = is_in_recovery
        if self._primary_probe is not None:
            self._require_small_lag(position)

    async def _note_position_of_primary(self) -> None:
        """Note how far the primary is; while it is unreachable it does not go on."""
        if self._primary_probe is None:
            return
        result = await caught(self._primary_probe.ask(_POSITION_OF_PRIMARY))
        if not isinstance(result, Failure) and len(self._positions) < _MAX_POSITIONS:
            self._positions.append((time.monotonic(), int(result[0])))

    def _require_small_lag(self, position: int | None) -> None:
        if position is None:
            raise ReplicaError("its lag cannot be measured, it is not a streaming replica")
        while self._positions and self._positions[0][1] <= position:
            self._positions.popleft()
        lag = time.monotonic() - self._positions[0][0] if self._positions else 0.0
        if lag > self._max_lag_seconds:
            raise ReplicaError(f"it is {lag:.1f} s behind")

    def _set(self, reason: str | None) -> None:
        """Take a new state; a change is logged once and reported."""
        was_up, self.reason = self.is_up, reason
        if reason is None:
            self._outage.end()
            self._down.clear()
        else:
            self._outage.begin(reason)
            self._down.set()
        if was_up is not self.is_up:
            self._on_change(self.is_up)


def _describe(error: Exception) -> str:
    """Return what is wrong without addresses and statements."""
    return str(error) if isinstance(error, TimeoutError) else type(error).__name__
