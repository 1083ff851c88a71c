"""The desired state in Redis: one hash for each service.

The field `version` contains the version of the whole, a growing integer; every other field is a switch. A
script compares the version before it stores and publishes a change: if another process wrote first, the
change is refused, and the writer must read again.
"""

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from c2casgiutils import config, redis_utils
from c2casgiutils.broadcast import RedisBroadcaster
from c2casgiutils.redis_utils import _link as link_
from c2casgiutils.switches import _metrics
from c2casgiutils.switches._entry import Codec, Entry, EntryError, is_plausible, shown
from c2casgiutils.switches._errors import SwitchesUnavailableError

_LOGGER = logging.getLogger(__name__)

_KEY = "switches"
_VERSION = b"version"
_MAX_DIGITS = 16
_GRACE_SECONDS = 0.1
_MAX_FIELDS = 20_000
_MAX_LOGGED = 1000

# If publishing is refused, the change stays stored: processes that miss it see the version with the next
# beat.
# A value of another type would block all changes for ever, so it is replaced.
_WRITE = """
local stored, result = redis.pcall('HGET', KEYS[1], 'version') or '', 1
if type(stored) == 'table' then
  if not string.find(stored.err, 'WRONGTYPE', 1, true) then return stored end
  stored, result = '', 2
end
if stored ~= ARGV[1] then return 0 end
if result == 2 then redis.call('DEL', KEYS[1]) end
local last = 6 + 2 * tonumber(ARGV[6])
for i = 7, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('HSET', KEYS[1], 'version', ARGV[2])
redis.pcall(ARGV[3], ARGV[4], ARGV[5])
return result
"""
_REPLACED = 2
"""The result of the script if it replaced a value of another type."""

# The version stays, as nothing that is in force changes; it ensures that no field was set again.
_FORGET = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
for i = 2, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of Redis.

    Attributes:
        version: Version of the whole; 0 if there is none or it cannot be read.
        base: The version as stored.
        entries: The entries by field.
        skipped: Rejected entries by field.
    """

    version: int
    base: bytes
    entries: Mapping[str, Entry]
    skipped: Mapping[str, bytes]


class Skipped:
    """Counts rejected entries, and logs each of them once."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, bytes]] = set()

    def note(self, field: str, raw: bytes, reason: str) -> None:
        """Note an entry."""
        entry = shown(field), raw[:100]
        if entry in self._logged:
            return
        if len(self._logged) >= _MAX_LOGGED:
            self._logged.clear()
        self._logged.add(entry)
        _metrics.count_skipped()
        _LOGGER.warning("The stored switch %r was skipped: %s", entry[0], reason)


class Store:
    """Reads and writes the hash, over the connection of the broadcast.

    Args:
        broadcaster: The broadcaster of the running event loop.
        codec: Decodes entries.
        skipped: Records rejected entries.
    """

    def __init__(self, broadcaster: RedisBroadcaster, codec: Codec, skipped: Skipped) -> None:
        self._broadcaster = broadcaster
        self._link = broadcaster.link
        self._codec = codec
        self._skipped = skipped
        self._key = redis_utils.scoped(_KEY)

    async def wait_up(self, seconds: float) -> bool:
        """Wait until Redis is connected, for at most the given time, and return whether it is."""
        return await self._link.wait_up(seconds)

    async def read_version(self, *, seconds: float) -> bytes:
        """Return the version in Redis, empty if there is none.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses.
        """
        reply = await self._execute(("HGET", self._key, _VERSION), seconds=seconds)
        return reply if isinstance(reply, bytes) else b""

    async def read(self, *, seconds: float) -> Snapshot:
        """Return the whole content; a value of another type counts as none, and the next change replaces it.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses.
        """
        reply = await self._execute(("HGETALL", self._key), seconds=seconds) or {}
        base, now = reply.pop(_VERSION, b""), self._link.now()
        entries: dict[str, Entry] = {}
        skipped: dict[str, bytes] = {}
        for name, raw in list(reply.items())[:_MAX_FIELDS]:
            field = name.decode(errors="replace")
            try:
                entries[field] = self._codec.decode(field, raw, now)
            except EntryError as error:
                skipped[field] = raw
                self._skipped.note(field, raw, str(error))
        return Snapshot(_read_version(base, now), base, entries, skipped)

    async def write(
        self,
        base: bytes,
        version: int,
        entries: Collection[Entry],
        message: tuple[str, Mapping[str, Any]],
        *,
        forgotten: Iterable[str] = (),
        seconds: float,
    ) -> bool:
        """Store entries and publish a message, unless another process wrote in the meantime.

        Args:
            base: The version that must be stored now.
            version: The version to store.
            entries: The entries to store.
            message: The channel and the parameters of its handlers.
            forgotten: Fields to remove.
            seconds: Maximum duration.

        Returns:
            Whether the entries were stored.

        Raises:
            SwitchesUnavailableError: Redis is unreachable, did not reply in time or refuses.
        """
        end = time.monotonic() + seconds
        if not await self.wait_up(max(0.0, min(_GRACE_SECONDS, seconds))):
            raise SwitchesUnavailableError(self._link.describe_outage())
        pairs = (part for entry in entries for part in (entry.field, entry.raw))
        word = "SPUBLISH" if config.settings.redis.cluster else "PUBLISH"
        published = self._broadcaster.seal(*message)
        command = ("EVAL", _WRITE, "1", self._key, base, str(version), word, *published, str(len(entries)))
        left = end - time.monotonic()
        reply = await self._execute((*command, *pairs, *forgotten), seconds=left, is_change=True)
        if reply == _REPLACED:
            _LOGGER.warning("The key %s had a value of another type, which was replaced", self._key)
        return bool(reply)

    async def forget(self, base: bytes, fields: Collection[str], *, seconds: float) -> bool:
        """Remove fields, unless another process wrote in the meantime, and return whether they were removed.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses.
        """
        command: link_.Command = ("EVAL", _FORGET, "1", self._key, base, *fields)
        return bool(await self._execute(command, seconds=seconds))

    async def _execute(self, command: link_.Command, *, seconds: float, is_change: bool = False) -> Any:
        if seconds <= 0:
            raise SwitchesUnavailableError("Redis did not reply in time")
        try:
            (reply,) = await self._link.execute(command, seconds=seconds)
        except link_.LinkDownError as error:
            raise SwitchesUnavailableError(str(error), is_uncertain=is_change) from error
        if not isinstance(reply, link_.ReplyError):
            return reply
        if reply.code == link_.WRONG_TYPE and not is_change:
            return None
        if reply.code in link_.WRONG_SERVER:
            self._link.reset(str(reply))
        raise SwitchesUnavailableError(f"Redis refuses: {redis_utils.describe(reply)}")


def _read_version(text: bytes, now: float) -> int:
    """Return a version as a number; 0 if it is invalid, or so large that no larger one would be left."""
    version = int(text) if text.isdigit() and len(text) <= _MAX_DIGITS else 0
    return version if is_plausible(version, now) else 0
