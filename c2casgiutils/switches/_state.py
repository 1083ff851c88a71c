"""What this process knows and has applied, and up to which version of the store."""

import asyncio
from collections.abc import Iterable, Mapping
from operator import itemgetter

from c2casgiutils import broadcast, config
from c2casgiutils.broadcast import BroadcastUnavailable
from c2casgiutils.switches._desired import Desired
from c2casgiutils.switches._draft import Draft
from c2casgiutils.switches._effects import Effects
from c2casgiutils.switches._entry import Codec, Entry, field_of, split
from c2casgiutils.switches._errors import SwitchesUnavailableError
from c2casgiutils.switches._kinds import Kind, Setting
from c2casgiutils.switches._store import Skipped, Store

_LONGEST_WAIT_SECONDS = 10.0  # the clock of Redis may be adjusted
_SHORTEST_WAIT_SECONDS = 0.1  # if a kind fails to end a value


class State:
    """The switches of one event loop.

    Args:
        kinds: By name; kept, not copied.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds
        self.desired = Desired()
        self.skipped = Skipped()
        self.version = 0
        """The version up to which this process knows everything in the store."""
        self.base = b""
        """The same as stored in Redis, which need not be a number."""
        self._effects = Effects(kinds)
        self._end: asyncio.TimerHandle | None = None

    def store(self) -> Store | None:
        """Return the store, `None` if no Redis is configured.

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
        """Return the codec for the configured secret."""
        return Codec(config.settings.redis.broadcast_secret)

    def now(self) -> float:
        """Return the time of Redis, or without it of this process, in seconds since 1970."""
        return broadcast.now()

    def next_version(self) -> int:
        """Return a version above all known ones, and at least the time in milliseconds."""
        return max(self.desired.highest, self.version, int(self.now() * 1000)) + 1

    def make(self, field: str, draft: Draft) -> Entry:
        """Return a new entry.

        Raises:
            ValueError: The value or a text is too long, or the value is not JSON.
        """
        version, now = self.next_version(), self.now()
        known = self.desired.get(field)
        cleared = 0 if known is None else known.cleared
        older = 0.0 if known is None else known.all_ended()
        setting = draft.setting(version, now)
        return self.codec().encode(field, version, setting, now, cleared=cleared, older=older)

    def take(self, entries: Iterable[Entry]) -> None:
        """Store the entries that are newer than the known ones, and apply them."""
        self.bring([entry.field for entry in entries if self.desired.take(entry)])

    def advance(self, base: int, version: int) -> None:
        """Note that the store went from one version to the next; without the first one, this stays behind."""
        if self.version == base:
            self.reach(version, str(version).encode())

    def reach(self, version: int, base: bytes) -> None:
        """Note that everything up to this version is known.

        Args:
            version: The version as a number.
            base: The version as stored in Redis.
        """
        self.version, self.base = version, base
        self.desired.highest = max(self.desired.highest, version)

    def set_own(self, field: str, setting: Setting | None) -> None:
        """Set or remove the value of this process alone."""
        self.desired.set_own(field, setting)
        self.bring([field])

    def bring(self, fields: Iterable[str]) -> None:
        """Apply the desired state of these switches, and schedule the next end of a value."""
        now = self.now()
        self._effects.bring({field: self.desired.in_force(field, now) for field in fields})
        self.stop()
        end = self._effects.next_end()
        if end is not None:
            seconds = min(max(end - now, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
            self._end = asyncio.get_running_loop().call_later(seconds, self._bring_all)

    def bring_again(self, kind: str) -> None:
        """Apply the desired state of a kind from scratch, after its object was replaced."""
        fields = self.desired.fields(kind)
        self._effects.forget(fields)
        self.bring(fields)

    def _bring_all(self) -> None:
        self.bring(self.desired.fields())

    def in_force(self, kind: str) -> dict[str, Setting]:
        """Return the desired values of a kind that this process can apply, by key."""
        refused = self._effects.refused
        return {
            key: setting
            for key, setting in self.desired_of(kind).items()
            if field_of(kind, key) not in refused
        }

    def desired_of(self, kind: str, *, own: bool = True) -> dict[str, Setting]:
        """Return the desired values of a kind, by key, with or without those of this instance alone."""
        now, read = self.now(), self.desired.in_force if own else self.desired.of_cluster
        found = ((split(field)[1], read(field, now)) for field in self.desired.fields(kind))
        return {key: setting for key, setting in sorted(found, key=itemgetter(0)) if setting is not None}

    def refused(self) -> set[str]:
        """Return the switches that have a value which this process cannot apply."""
        now = self.now()
        live = {field for field in self._effects.refused if self.desired.in_force(field, now) is not None}
        return live | self.desired.unknown()

    def stop(self) -> None:
        """Cancel the timer for the next end of a value."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
