"""What this process knows and obeys, and up to which version of the store."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from operator import itemgetter

from c2casgiutils import broadcast, config
from c2casgiutils.broadcast import BroadcastUnavailable
from c2casgiutils.switches._desired import Desired
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._effects import Effects
from c2casgiutils.switches._entry import Codec, Entry, split
from c2casgiutils.switches._errors import SwitchesUnavailableError
from c2casgiutils.switches._kinds import Kind, Setting
from c2casgiutils.switches._store import Skipped, Store

_LONGEST_WAIT_SECONDS = 10.0  # the clock of Redis may be set meanwhile
_SHORTEST_WAIT_SECONDS = 0.1  # when a kind fails to end a value


class State:
    """The switches as one event loop has them.

    Args:
        kinds: By name; kept, not copied.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds
        self.desired = Desired()
        self.skipped = Skipped()
        self.version = 0
        """The version of the store up to which this process knows everything."""
        self.base = b""
        """The same as Redis has it, which need not be a number."""
        self._effects = Effects(kinds)
        self._end: asyncio.TimerHandle | None = None

    def store(self) -> Store | None:
        """Return the store, `None` when no Redis is configured.

        Raises:
            SwitchesUnavailableError: The broadcast is not started on this event loop.
        """
        try:
            broadcaster = broadcast.redis_broadcaster()
        except BroadcastUnavailable as error:
            raise SwitchesUnavailableError(str(error)) from error
        return None if broadcaster is None else Store(broadcaster, self.codec(), self.skipped)

    @staticmethod
    def codec() -> Codec:
        """Return what writes and reads entries."""
        return Codec(config.settings.redis.broadcast_secret)

    def now(self) -> float:
        """Return the time of Redis, or of this process without it, in seconds since 1970."""
        try:
            store = self.store()
        except SwitchesUnavailableError:
            return time.time()
        return time.time() if store is None else store.now()

    def next_version(self) -> int:
        """Return a version above all that this process knows, and at least the time in milliseconds."""
        return max(self.desired.highest, self.version, int(self.now() * 1000)) + 1

    def make(self, field: str, draft: Draft) -> Entry:
        """Return a new entry.

        Raises:
            ValueError: The value or a text is too long, or no JSON.
        """
        version, now = self.next_version(), self.now()
        return self.codec().encode(field, version, draft.setting(version, now), now)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take the entries that are newer than what is known, and obey them."""
        self.bring([entry.field for entry in entries if self.desired.take(entry)])

    def advance(self, base: int, version: int) -> None:
        """Note that the store went from one version to the next; whoever lacks the first one stays behind."""
        if self.version == base:
            self.reach(version, str(version).encode())

    def reach(self, version: int, base: bytes) -> None:
        """Note that everything up to this version is known.

        Args:
            version: The version.
            base: The same as Redis has it.
        """
        self.version, self.base = version, base
        self.desired.highest = max(self.desired.highest, version)

    def set_own(self, field: str, setting: Setting | None) -> None:
        """Set or remove the value of this process alone."""
        self.desired.set_own(field, setting)
        self.bring([field])

    def bring(self, fields: Iterable[str]) -> None:
        """Obey the desired state of these switches, and obey each end in time."""
        now = self.now()
        self._effects.bring({field: self.desired.in_force(field, now) for field in fields})
        self.stop()
        end = self._effects.next_end()
        if end is not None:
            seconds = min(max(end - now, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
            self._end = asyncio.get_running_loop().call_later(seconds, self._bring_all)

    def bring_again(self, kind: str) -> None:
        """Obey the desired state of a kind from scratch: another object obeys from now on."""
        fields = self.desired.fields(kind)
        self._effects.forget(fields)
        self.bring(fields)

    def _bring_all(self) -> None:
        self.bring(self.desired.fields())

    def current(self, kind: str) -> dict[str, Setting]:
        """Return the values of a kind that should be in force, by key."""
        now = self.now()
        found = ((split(field)[1], self.desired.in_force(field, now)) for field in self.desired.fields(kind))
        return {key: setting for key, setting in sorted(found, key=itemgetter(0)) if setting is not None}

    def refused(self) -> set[str]:
        """Return the switches that have a value which this process cannot apply."""
        now = self.now()
        live = {field for field in self._effects.refused if self.desired.in_force(field, now) is not None}
        return live | self.desired.unknown()

    def stop(self) -> None:
        """Wait for no end any more."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
