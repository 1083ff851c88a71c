"""The switches on one event loop: changes them, and applies the changes made by others."""

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Any

from c2casgiutils import broadcast, instances
from c2casgiutils.broadcast import BroadcastUnavailable
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._entry import Entry, EntryError, field_of, split
from c2casgiutils.switches._errors import SwitchesUnavailableError, TooManySwitchesError
from c2casgiutils.switches._kinds import Kind, Setting
from c2casgiutils.switches._reading import CHANNEL, Reader, held
from c2casgiutils.switches._report import Change, Confirmation, SwitchReport
from c2casgiutils.switches._state import State
from c2casgiutils.switches._store import Store

OWN_CHANNEL = "c2c_switches_of_instance"

_MAX_LIVE = 2000
"""Maximum number of switches of one kind that have a value."""
_MAX_KNOWN = 6000
"""The same, with those that ended or were removed in the last week."""
_LEAST_SECONDS = 0.05


class Switches:
    """Makes changes, and receives those of other processes.

    Args:
        kinds: By name; kept, not copied.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.state = State(kinds)
        self.reader = Reader(self.state)
        self._storing = asyncio.Lock()
        """Changes are stored one by one, as only one of those made at the same moment would be accepted."""

    # Changes of the whole cluster

    async def change(self, field: str, draft: Draft, *, seconds: float) -> Change:
        """Store a change and have every process apply it.

        Raises:
            ValueError: A value or a text is too long, or there are too many switches of the kind.
            SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored.
        """
        end = time.monotonic() + seconds
        state, store = self.state, self.state.store()
        if store is None:
            state.desired.forget(state.now())
            self._admit(field, draft)
            entry = state.make(field, draft)
            state.take([entry])
            state.reach(entry.version, b"")
            own = [instances.own_id()]
            differing = own if state.desired.own(field, state.now()) else []
            return Change(entry.version, entry.setting, SwitchReport.alone(), own, differing)
        async with held(self._storing, seconds):
            base, entry = await self._store_change(store, field, draft, end)
        left = max(_LEAST_SECONDS, end - time.monotonic())
        try:
            reply = await broadcast.ask(
                CHANNEL, self.on_change, _message(base, entry), timeout=left, answer=Confirmation
            )
        except BroadcastUnavailable as error:
            raise SwitchesUnavailableError(str(error), is_stored=True) from error
        confirmed = [payload.id for payload in reply.payloads if payload.version >= entry.version]
        differing = [payload.id for payload in reply.payloads if payload.has_own]
        report = SwitchReport.of_reply(reply, entry.version)
        return Change(entry.version, entry.setting, report, confirmed, differing)

    async def _store_change(self, store: Store, field: str, draft: Draft, end: float) -> tuple[int, Entry]:
        """Store a change on top of the current state; if the store is newer, read it first.

        So it is admitted with all that is stored, also by other processes at the same moment.

        If the connection breaks, the store is read to find out whether the change arrived. A retry is safe
        even if the first attempt arrives late: only one of the two is accepted.
        """
        state, is_uncertain = self.state, False
        while True:
            self._admit(field, draft)
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

    def _admit(self, field: str, draft: Draft) -> None:
        kind, key = split(field)
        if draft.value is not None:
            self.state.kinds[kind].admit(key, draft.value)
        known = self.state.desired.fields(kind)
        if draft.value is not None and len(known) >= _MAX_LIVE:
            live = self.state.desired_of(kind)
            if key not in live and len(live) >= _MAX_LIVE:
                raise TooManySwitchesError(f"{_MAX_LIVE} switches of the kind {kind} have a value already")
        if field not in known and len(known) >= _MAX_KNOWN:
            raise TooManySwitchesError(
                f"{_MAX_KNOWN} switches of the kind {kind} were changed in the last week"
            )

    async def on_change(
        self,
        *,
        base: int,
        version: int,
        field: str | None = None,
        entry: str | None = None,
        **_of_newer_releases: Any,
    ) -> Confirmation:
        """Apply a stored change; if this process lacks the version before it, read everything."""
        state = self.state
        if field is not None and entry is not None:
            try:
                taken = state.codec().decode(field, entry.encode(), state.now())
            except EntryError as error:
                state.skipped.note(field, entry.encode(), str(error))
            else:
                state.take([taken])
                state.advance(base, taken.version)
        if version > state.version:
            await self.reader.catch_up(version)
        return self._confirm(field)

    # Changes of single processes

    async def change_of_instances(
        self, field: str, draft: Draft, ids: Collection[str], *, seconds: float
    ) -> Change:
        """Set or remove a value in some processes only, until they end.

        Raises:
            ValueError: The value is rejected.
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
            answer=Confirmation,
        )
        confirmed = [payload.id for payload in reply.payloads]
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
    ) -> Confirmation:
        """Set or remove a value in this process only.

        Raises:
            ValueError: The value is rejected.
        """
        known = self.state.kinds.get(kind)
        if known is None:
            raise ValueError(f"the kind of switch {kind} is not registered in this process")
        if value is not None:
            known.check(key, value)
            known.admit(key, value)
        field = field_of(kind, key)
        self._set_own(field, Draft(value, ttl, by, reason))
        return self._confirm(field)

    def _confirm(self, field: str | None) -> Confirmation:
        """Return the version of a switch in this process, or -1 if it cannot be applied."""
        known = self.state.desired.get(field) if field is not None else None
        version = known.version if known is not None else self.state.version
        has_own = field is not None and self.state.desired.own(field, self.state.now()) is not None
        return Confirmation.of_this_process(-1 if field in self.state.refused() else version, has_own=has_own)

    # Shutdown

    async def aclose(self) -> None:
        """Cancel timers and tasks; values in effect stay so."""
        self.state.stop()
        await self.reader.aclose()

    def abort(self) -> None:
        """Cancel timers and tasks without waiting."""
        self.reader.abort()


def _message(base: int, entry: Entry) -> dict[str, Any]:
    return {"base": base, "version": entry.version, "field": entry.field, "entry": entry.raw.decode()}
