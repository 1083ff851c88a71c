"""Storage of the lines of follows, until they are read."""

import collections
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from c2casgiutils import redis_utils
from c2casgiutils._outages import RedisUnavailableError
from c2casgiutils.redis_utils._link import Command, Link, LinkDownError, ReplyError

MAX_A_SECOND = 200
"""Lines of one follow, of all processes together."""
_MAX_KEPT = 2_000
"""Older lines are dropped."""
_MAX_FOLLOWS = 20
"""Of which this process keeps the lines in its memory."""
_KEPT_SECONDS = 600
"""So long the lines are kept after the last one, for those who read them."""
_REPLY_SECONDS = 1.0
_CURSOR = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?")
_FIELD = b"line"

# The seconds are those of Redis, so that the limit is one for all processes.
_APPEND = """
local second = redis.call('TIME')[1] .. '000'
local used = #redis.call('XREVRANGE', KEYS[1], '+', second, 'COUNT', ARGV[1])
local count = math.min(tonumber(ARGV[1]) - used, #ARGV - 3)
for i = 4, 3 + count do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'line', ARGV[i])
end
if count > 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return count
"""

Cursor = tuple[int, int]
"""A place between two lines: what was read up to it."""
START: Cursor = (0, 0)


class LinesUnavailableError(RedisUnavailableError):
    """Redis is unreachable, or refuses; a view that does not catch it answers 503."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "Redis cannot be reached, the lines are there")


def parse_cursor(text: str) -> Cursor:
    """Return the place that a text names; an empty one is the start.

    Raises:
        ValueError: Not a place.
    """
    found = _CURSOR.fullmatch(text or "0")
    if found is None:
        raise ValueError("after is the id of a line, such as 1700000000000-0, or 0 for the first line")
    return int(found[1]), int(found[2] or 0)


def write_cursor(cursor: Cursor) -> str:
    """Return a place as text."""
    return f"{cursor[0]}-{cursor[1]}"


class Lines(ABC):
    """The lines of all follows."""

    @abstractmethod
    async def append(self, id_: str, texts: Sequence[bytes]) -> int:
        """Add lines to a follow, as many as the limit allows in this second, and return how many.

        Raises:
            LinesUnavailableError: None was added, as far as is known.
        """

    @abstractmethod
    async def read(
        self, id_: str, after: Cursor, *, last: int | None = None
    ) -> list[tuple[Cursor, dict[str, Any]]]:
        """Return the lines after a place, the oldest first, each with the place after it.

        Args:
            id_: Of the follow.
            after: The place.
            last: Return the last ones only, at most so many; all by default.

        Raises:
            LinesUnavailableError: They cannot be read.
        """

    @abstractmethod
    async def delete(self, id_: str) -> None:
        """Forget the lines of a follow.

        Raises:
            LinesUnavailableError: They are kept until they expire.
        """


class LocalLines(Lines):
    """Lines of this process, in its memory."""

    def __init__(self) -> None:
        self._kept: dict[str, collections.deque[tuple[Cursor, bytes]]] = {}

    async def append(self, id_: str, texts: Sequence[bytes]) -> int:
        """See `Lines.append`."""
        kept = self._kept.setdefault(id_, collections.deque(maxlen=_MAX_KEPT))
        if len(self._kept) > _MAX_FOLLOWS:
            del self._kept[next(iter(self._kept))]
        milliseconds, number = max((time.time_ns() // 1_000_000, 0), kept[-1][0] if kept else START)
        second = milliseconds // 1000 * 1000, 0
        used = sum(1 for cursor, _ in list(kept)[-MAX_A_SECOND:] if cursor >= second)
        count = min(MAX_A_SECOND - used, len(texts))
        kept.extend(((milliseconds, number + 1 + index), text) for index, text in enumerate(texts[:count]))
        return count

    async def read(
        self, id_: str, after: Cursor, *, last: int | None = None
    ) -> list[tuple[Cursor, dict[str, Any]]]:
        """See `Lines.read`."""
        found = [(cursor, text) for cursor, text in self._kept.get(id_, ()) if cursor > after]
        return [(cursor, json.loads(text)) for cursor, text in found[-(last or 0) :]]

    async def delete(self, id_: str) -> None:
        """See `Lines.delete`."""
        self._kept.pop(id_, None)


class RedisLines(Lines):
    """Lines of all processes, in a stream of Redis for each follow.

    Args:
        link: The connection to Redis.
        secret: Sign with it, and accept only what is signed with it.
    """

    def __init__(self, link: Link, secret: str | None) -> None:
        self._link = link
        self._signer = redis_utils.Signer("c2casgiutils follow", secret)

    async def append(self, id_: str, texts: Sequence[bytes]) -> int:
        """See `Lines.append`."""
        key = _key(id_)
        signed = (self._signer.sign(key, text) for text in texts)
        limits = (MAX_A_SECOND, _MAX_KEPT, _KEPT_SECONDS)
        return int(await self._execute(("EVAL", _APPEND, 1, key, *limits, *signed)))

    async def read(
        self, id_: str, after: Cursor, *, last: int | None = None
    ) -> list[tuple[Cursor, dict[str, Any]]]:
        """See `Lines.read`."""
        key = _key(id_)
        start = write_cursor((after[0], after[1] + 1))
        found = []
        limit: Command = ("COUNT", last) if last is not None else ()
        for cursor, fields in reversed(await self._execute(("XREVRANGE", key, "+", start, *limit)) or []):
            line = self._decode(key, fields)
            if line is not None:
                found.append((parse_cursor(cursor.decode()), line))
        return found

    async def delete(self, id_: str) -> None:
        """See `Lines.delete`."""
        await self._execute(("DEL", _key(id_)))

    def _decode(self, key: str, fields: list[bytes]) -> dict[str, Any] | None:
        """Return a line; `None` if another program wrote it."""
        try:
            name, signed = fields
            line = json.loads(self._signer.verify(key, signed)) if name == _FIELD else None
        except ValueError:  # a `SignatureError` is one
            return None
        return line if isinstance(line, dict) else None

    async def _execute(self, command: Command) -> Any:
        try:
            (reply,) = await self._link.execute(command, seconds=_REPLY_SECONDS)
        except LinkDownError as error:
            raise LinesUnavailableError(str(error)) from error
        if isinstance(reply, ReplyError):
            raise LinesUnavailableError(f"Redis refuses: {redis_utils.describe(reply)}")
        return reply


def _key(id_: str) -> str:
    return redis_utils.scoped(f"follow_{id_}")
