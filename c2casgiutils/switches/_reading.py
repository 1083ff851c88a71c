"""Synchronisation with the store: reads everything, and writes back what the store lacks."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from typing import Any

from c2casgiutils import instances
from c2casgiutils._outages import Outage
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._entry import Entry, field_of
from c2casgiutils.switches._errors import SwitchesUnavailableError
from c2casgiutils.switches._inherited import Inherited, is_heir, read_inherited
from c2casgiutils.switches._kinds import Kind
from c2casgiutils.switches._state import State
from c2casgiutils.switches._store import Snapshot, Store

_LOGGER = logging.getLogger(__name__)

CHANNEL = "c2c_switches"
"""Changes are published on this channel."""

_READ_SECONDS = 30.0
_MAX_OVERWRITTEN = 1000
_MAX_FORGOTTEN = 1000


@contextlib.asynccontextmanager
async def held(lock: asyncio.Lock, seconds: float) -> AsyncIterator[None]:
    """Hold a lock during a block.

    Args:
        lock: The lock.
        seconds: Maximum time to wait for it.

    Raises:
        SwitchesUnavailableError: It was not free in time.
    """
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await lock.acquire()
    except TimeoutError:
        raise SwitchesUnavailableError("Redis did not reply in time") from None
    try:
        yield
    finally:
        lock.release()


class Reader:
    """Brings this process and the store to the same state.

    Args:
        state: The state of this process.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._overwritten: set[tuple[str, bytes | None]] = set()
        self._lock = asyncio.Lock()
        self._told = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._outage = Outage(
            _LOGGER,
            "The stored switches cannot be read or written: %s",
            "The stored switches can be read and written again after %.1f s",
        )

    def tell(self) -> int:
        """Return the version of this process, for its heartbeat."""
        self._told = self._state.version
        return self._told

    def on_version(self, version: int) -> None:
        """Catch up with the store if Redis holds another version than this process.

        If the heartbeat told an older version than the present one, as after a pause, send another one.
        """
        if version != self._state.version:
            self._start("read", self.catch_up)
        elif self._told < version:
            instances.beat_soon()
        elif self._heirs():
            self._start("inherit", self._inherit)
        elif self._state.desired.forgettable(self._state.now()):
            self._start("forget", self._forget)

    async def _forget(self) -> None:
        """Remove the entries that need not be kept; a failure is retried with the next heartbeat."""
        state = self._state
        fields = state.desired.forgettable(state.now())[:_MAX_FORGOTTEN]
        try:
            store = state.store()
            if store is not None and await store.forget(state.base, fields, seconds=_READ_SECONDS):
                state.desired.drop(fields)
        except SwitchesUnavailableError as error:
            self._outage.begin(error)
        else:
            self._outage.end()

    def _start(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.get_running_loop().create_task(
                run(), name=f"c2casgiutils-switches-{name}"
            )

    async def catch_up(self, version: int | None = None, *, seconds: float = _READ_SECONDS) -> None:
        """Read everything; a failure is retried with the next heartbeat.

        Args:
            version: Do nothing if this version is already known when the lock is acquired.
            seconds: Maximum duration.
        """
        try:
            await self.read(seconds=seconds, version=version)
        except SwitchesUnavailableError as error:
            self._outage.begin(error)
        else:
            self._outage.end()
            if self._told < self._state.version:
                instances.beat_soon()

    async def refresh(self, *, seconds: float) -> None:
        """Read the current state of Redis, if Redis is used.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses.
        """
        end = time.monotonic() + seconds
        store = self._state.store()
        if store is not None and await store.read_version(seconds=seconds) != self._state.base:
            await self.read(seconds=end - time.monotonic())

    async def read(self, *, seconds: float, version: int | None = None) -> None:
        """Read everything, and write back what is newer here, if Redis is used.

        Args:
            seconds: Maximum duration.
            version: See `catch_up`.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses.
        """
        end = time.monotonic() + seconds
        async with held(self._lock, seconds):
            store = self._state.store()
            if store is not None and (version is None or self._state.version < version):
                while not await self._read_once(store, end):
                    pass

    async def _read_once(self, store: Store, end: float) -> bool:
        """Read everything; return `False` if it must be read again."""
        snapshot = await store.read(seconds=end - time.monotonic())
        self._state.take(snapshot.entries.values())
        return await self._write_back(store, snapshot, end)

    async def _write_back(self, store: Store, snapshot: Snapshot, end: float) -> bool:
        """Store what is newer here; return `False` if another process wrote in the meantime."""
        state = self._state
        newer = [
            entry
            for entry in state.desired.newer_than(snapshot.entries, state.now())
            if (entry.field, snapshot.skipped.get(entry.field)) not in self._overwritten
        ]
        if not newer and snapshot.version >= state.version:
            state.reach(snapshot.version, snapshot.base)
            return True
        version = max(state.next_version(), snapshot.version + 1)
        message = CHANNEL, {"base": snapshot.version, "version": version}
        seconds = end - time.monotonic()
        if not await store.write(snapshot.base, version, newer, message, seconds=seconds):
            return False
        state.reach(version, str(version).encode())
        self._note_overwritten(newer, snapshot)
        _LOGGER.warning("Redis had lost the state of %s switches, which was stored again", len(newer))
        return True

    def _note_overwritten(self, entries: Iterable[Entry], snapshot: Snapshot) -> None:
        """Note rejected entries that were overwritten: processes with different secrets would never stop."""
        if len(self._overwritten) >= _MAX_OVERWRITTEN:
            self._overwritten.clear()
        fields = {entry.field for entry in entries} & snapshot.skipped.keys()
        self._overwritten |= {(field, snapshot.skipped[field]) for field in fields}

    # Migration from an earlier release

    def _heirs(self) -> list[Kind]:
        """Return the kinds whose values of an earlier release have not been migrated yet."""
        return [
            kind
            for kind in self._state.kinds.values()
            if is_heir(kind) and self._state.desired.get(field_of(Inherited.name, kind.name)) is None
        ]

    async def wait_inherited(self, *, seconds: float) -> None:
        """Migrate values of an earlier release; after the given time, this continues in the background."""
        if self._heirs():
            self._start("inherit", self._inherit)
            await asyncio.wait([self._tasks["inherit"]], timeout=seconds)

    async def _inherit(self) -> None:
        """Migrate values of an earlier release; a failure is retried with the next heartbeat."""
        end = time.monotonic() + _READ_SECONDS
        for kind in self._heirs():
            found = await read_inherited(kind, seconds=end - time.monotonic())
            if found is None:
                continue
            try:
                await self._store_inherited(kind, found, end)
            except SwitchesUnavailableError as error:
                self._outage.begin(error)

    async def _store_inherited(self, kind: Kind, found: Mapping[str, Any], end: float) -> None:
        state, store = self._state, self._state.store()
        if store is None or kind not in self._heirs():
            return
        absent = [key for key in found if state.desired.get(field_of(kind.name, key)) is None]
        entries = [state.make(field_of(kind.name, key), Draft(found[key])) for key in absent]
        entries.append(state.make(field_of(Inherited.name, kind.name), Draft(len(found))))
        base, version = state.version, state.next_version()
        message = CHANNEL, {"base": base, "version": version}
        if await store.write(state.base, version, entries, message, seconds=end - time.monotonic()):
            state.take(entries)
            state.advance(base, version)

    # Shutdown

    async def aclose(self) -> None:
        """Cancel the tasks and wait for their end."""
        self.abort()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    def abort(self) -> None:
        """Cancel the tasks without waiting."""
        for task in self._tasks.values():
            if not task.get_loop().is_closed():
                task.cancel()
