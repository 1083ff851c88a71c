"""The switches on one event loop: changes them, and hears of the changes of others."""

import os
import socket
import time
from collections.abc import Collection, Mapping
from typing import Any

from c2casgiutils import broadcast, instances
from c2casgiutils.broadcast import BroadcastUnavailable
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._entry import Entry, EntryError, field_of, split
from c2casgiutils.switches._errors import SwitchesUnavailableError, TooManySwitchesError
from c2casgiutils.switches._kinds import Kind, Setting
from c2casgiutils.switches._reading import CHANNEL, Reader
from c2casgiutils.switches._report import Change, SwitchReport
from c2casgiutils.switches._state import State
from c2casgiutils.switches._store import Store

OWN_CHANNEL = "c2c_switches_of_instance"

_MAX_LIVE = 2000
"""So many switches of one kind may have a value."""
_LEAST_SECONDS = 0.05


class Switches:
    """Changes and hears.

    Args:
        kinds: By name; kept, not copied.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.state = State(kinds)
        self.reader = Reader(self.state)

    # Changes of the cluster

    async def change(self, field: str, draft: Draft, *, seconds: float) -> Change:
        """Store a change and have every process take it.

        Raises:
            ValueError: A value or a text is too long, or there is no room for one more switch.
            SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored.
        """
        end = time.monotonic() + seconds
        store = self.state.store()
        self._check_room(field, draft)
        if store is None:
            entry = self.state.make(field, draft)
            self.state.take([entry])
            self.state.reach(entry.version, b"")
            return Change(entry.version, entry.setting, SwitchReport.alone(), [instances.own_id()])
        base, entry = await self._store_change(store, field, draft, end)
        left = max(_LEAST_SECONDS, end - time.monotonic())
        try:
            reply = await broadcast.ask(CHANNEL, self.on_change, _message(base, entry), timeout=left)
        except BroadcastUnavailable as error:
            raise SwitchesUnavailableError(str(error), is_stored=True) from error
        confirmed = [payload["id"] for payload in reply.payloads if payload["version"] >= entry.version]
        return Change(entry.version, entry.setting, SwitchReport.of_reply(reply, entry.version), confirmed)

    async def _store_change(self, store: Store, field: str, draft: Draft, end: float) -> tuple[int, Entry]:
        """Store a change on top of what is there; who finds something newer there reads it first.

        When the connection breaks, the store tells afterwards whether the change arrived. A second try does
        no harm to a first one that arrives late: of the two one is refused.
        """
        state, is_uncertain = self.state, False
        while True:
            base, entry = state.version, state.make(field, draft)
            try:
                if await self._write(store, entry, end):
                    state.take([entry])
                    state.advance(base, entry.version)
                    return base, entry
                await self.reader.read(seconds=end - time.monotonic())
            except SwitchesUnavailableError as error:
                is_uncertain = is_uncertain or error.is_uncertain
                left = end - time.monotonic()
                if not is_uncertain or left <= 0 or not await store.wait_up(left):
                    raise SwitchesUnavailableError(str(error), is_uncertain=is_uncertain) from error
                if await self._is_stored(entry, end):
                    return base, entry

    async def _write(self, store: Store, entry: Entry, end: float) -> bool:
        state = self.state
        message = CHANNEL, _message(state.version, entry)
        forgotten = state.desired.forget(state.now())
        seconds = end - time.monotonic()
        return await store.write(
            state.base, entry.version, [entry], message, forgotten=forgotten, seconds=seconds
        )

    async def _is_stored(self, entry: Entry, end: float) -> bool:
        try:
            await self.reader.read(seconds=end - time.monotonic())
        except SwitchesUnavailableError:
            return False
        known = self.state.desired.get(entry.field)
        return known is not None and known.raw == entry.raw

    def _check_room(self, field: str, draft: Draft) -> None:
        kind, key = split(field)
        live = self.state.current(kind)
        if draft.value is not None and key not in live and len(live) >= _MAX_LIVE:
            raise TooManySwitchesError(f"{_MAX_LIVE} switches of the kind {kind} have a value already")

    async def on_change(
        self,
        *,
        base: int,
        version: int,
        field: str | None = None,
        entry: str | None = None,
        **_of_newer_releases: Any,
    ) -> dict[str, Any]:
        """Take a change that somebody stored; whoever lacks the version before it reads everything."""
        state = self.state
        if field is not None and entry is not None:
            try:
                state.take([state.codec().decode(field, entry.encode())])
            except EntryError as error:
                state.skipped.note(field, entry.encode(), str(error))
            else:
                state.advance(base, version)
        if version > state.version:
            await self.reader.catch_up(version)
        return self._confirm(field)

    # Changes of single processes

    async def change_of_instances(
        self, field: str, draft: Draft, ids: Collection[str], *, seconds: float
    ) -> Change:
        """Set or remove a value in some processes only, for as long as they live.

        Raises:
            ValueError: The value is not accepted.
        """
        own, highest = instances.own_id(), self.state.desired.highest
        if set(ids) == {own}:
            setting = self._set_own(field, draft)
            return Change(highest, setting, SwitchReport.alone(), [own])
        kind, key = split(field)
        params = {"kind": kind, "key": key, "value": draft.value, "ttl": draft.ttl, "by": draft.by}
        reply = await broadcast.ask(
            OWN_CHANNEL,
            self.on_change_of_instance,
            {**params, "reason": draft.reason},
            timeout=seconds,
            to=sorted(ids),
            or_alone=True,
        )
        confirmed = [payload["id"] for payload in reply.payloads]
        setting = draft.setting(highest, self.state.now())
        return Change(highest, setting, SwitchReport.of_reply(reply, 0), confirmed)

    def _set_own(self, field: str, draft: Draft) -> Setting | None:
        version = self.state.next_version()
        setting = draft.setting(version, self.state.now(), instances.own_id())
        self.state.set_own(field, setting)
        return setting

    async def on_change_of_instance(
        self,
        *,
        kind: str,
        key: str,
        value: Any = None,
        ttl: float | None = None,
        by: str | None = None,
        reason: str | None = None,
        **_of_newer_releases: Any,
    ) -> dict[str, Any]:
        """Take a value for this process alone.

        Raises:
            ValueError: It is not accepted here.
        """
        known = self.state.kinds.get(kind)
        if known is None:
            raise ValueError(f"nothing in this process knows switches of the kind {kind}")
        if value is not None:
            known.check(key, value)
        field = field_of(kind, key)
        self._set_own(field, Draft(value, ttl, by, reason))
        return self._confirm(field)

    def _confirm(self, field: str | None) -> dict[str, Any]:
        """Return which version of a switch this process has, -1 when it cannot apply it."""
        known = self.state.desired.get(field) if field is not None else None
        version = known.version if known is not None else self.state.version
        return {
            "id": instances.own_id(),
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "version": -1 if field in self.state.refused() else version,
        }

    # End

    async def aclose(self) -> None:
        """End timers and tasks; what is in force stays so."""
        self.state.stop()
        await self.reader.aclose()

    def abort(self) -> None:
        """End timers and tasks at once, without waiting."""
        self.reader.abort()


def _message(base: int, entry: Entry) -> dict[str, Any]:
    return {"base": base, "version": entry.version, "field": entry.field, "entry": entry.raw.decode()}
