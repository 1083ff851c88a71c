"""Write and read the Redis protocol.

See https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md. The reader takes chunks and
gives back all values that are complete, without awaiting anything for each line.
"""

from collections.abc import Iterator
from typing import Any

from c2casgiutils._errors import C2cError

Command = tuple[str | bytes | int | float, ...]
_AGGREGATES = b"*~>%|"


class Push(list[Any]):
    """A value that the server sent by itself: a message or the confirmation of a subscription."""


class ReplyError(C2cError):
    """An error that the server answered, as `NOPERM this user has no permissions ...`."""

    @property
    def code(self) -> str:
        """The first word, as `NOPERM`, `MOVED`, `READONLY`."""
        return str(self).partition(" ")[0]


class ProtocolError(C2cError):
    """What arrived is not the Redis protocol."""


def pack(commands: tuple[Command, ...]) -> bytes:
    """Commands as bytes."""
    parts = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for argument in command:
            raw = argument if isinstance(argument, bytes) else str(argument).encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)


class _Aggregate:
    """A list or map that waits for the rest of its items."""

    __slots__ = ("items", "kind", "missing")

    def __init__(self, kind: bytes, missing: int) -> None:
        self.kind = kind
        self.missing = missing
        self.items: list[Any] = []

    def value(self) -> Any:
        if self.kind == b">":
            return Push(self.items)
        if self.kind in b"%|":
            return dict(zip(self.items[::2], self.items[1::2], strict=True))
        return self.items


class Decoder:
    """Incremental reader of RESP2 and RESP3."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._needed = 0
        self._stack: list[_Aggregate] = []

    def feed(self, data: bytes) -> Iterator[Any]:
        """Take a chunk, give back the values that are complete.

        Raises:
            ProtocolError: The bytes are not the Redis protocol.
        """
        self._buffer += data
        if len(self._buffer) < self._needed:
            return
        while True:
            complete, value = self._next()
            if not complete:
                break
            yield value
        del self._buffer[: self._position]
        self._needed = max(0, self._needed - self._position)
        self._position = 0

    def _next(self) -> tuple[bool, Any]:
        """Read until one whole value is there."""
        while True:
            end = self._buffer.find(b"\r\n", self._position)
            if end < 0:
                return False, None
            kind = bytes(self._buffer[self._position : self._position + 1])
            line = bytes(self._buffer[self._position + 1 : end])
            if kind in b"$!=" and line != b"-1":
                stop = end + 2 + _integer(line)
                if len(self._buffer) < stop + 2:
                    self._needed = stop + 2
                    return False, None
                value = _blob(kind, bytes(self._buffer[end + 2 : stop]))
                self._position = stop + 2
            else:
                self._position = end + 2
                if kind in _AGGREGATES and line != b"-1":
                    count = _integer(line) * (2 if kind in b"%|" else 1)
                    aggregate = _Aggregate(kind, count)
                    if count:
                        self._stack.append(aggregate)
                        continue
                    value = aggregate.value()
                else:
                    value = _simple(kind, line)
            complete, value = self._put(value)
            if complete:
                return True, value

    def _put(self, value: Any) -> tuple[bool, Any]:
        """Give the value to the innermost open aggregate; closed ones go to the next one outside."""
        while self._stack:
            aggregate = self._stack[-1]
            aggregate.items.append(value)
            aggregate.missing -= 1
            if aggregate.missing:
                return False, None
            self._stack.pop()
            value = aggregate.value()
        return True, value


def _integer(line: bytes) -> int:
    try:
        return int(line)
    except ValueError:
        raise ProtocolError(f"{line[:50]!r} is no length") from None


def _blob(kind: bytes, raw: bytes) -> Any:
    if kind == b"!":
        return ReplyError(raw.decode(errors="replace"))
    return raw[4:] if kind == b"=" else raw


def _simple(kind: bytes, line: bytes) -> Any:
    if kind == b"+":
        return line
    if kind in b":(":
        return _integer(line)
    if kind == b"-":
        return ReplyError(line.decode(errors="replace"))
    if kind in b"_$*":
        return None
    if kind == b",":
        return float(line)
    if kind == b"#":
        return line == b"t"
    raise ProtocolError(f"{kind!r} starts no value")
