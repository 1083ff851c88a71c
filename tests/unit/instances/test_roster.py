"""What a process knows of the roster when Redis does not reply to everything."""

import time
from typing import Any

import pytest

from c2casgiutils.instances._roster import Roster
from c2casgiutils.redis_utils._link import LinkDownError


class ConnectedLink:
    """A connection that stays up; the replies come from the test, and the last command gets none."""

    def __init__(self, replies: list[list[Any]]) -> None:
        self._replies = replies

    def now(self) -> float:
        return time.time()

    async def execute(self, *_: object, seconds: float) -> list[Any]:
        if not self._replies:
            raise LinkDownError(f"Redis did not reply within {seconds} s")
        return self._replies.pop(0)


def _fields(roster: Roster, id_: str) -> dict[bytes, Any]:
    """The hash of the roster with one process."""
    beat = {"beat": time.time(), "every": 5, "state": "ready"}
    static = {"hostname": "host", "pid": 2, "started": "2026-03-01T12:00:00Z"}
    _, _, *pairs = roster.entry_command(id_, beat, static, 0)
    return {str(name).encode(): _raw(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


async def test_is_not_readable_until_the_connections_are_counted() -> None:
    """Others may be there, so that the caller must not say that it knows all processes."""
    roster = Roster("host:1:own")
    counts = [b"@roster", 2, b"@inbox:host:1:own", 1]
    roster.link = ConnectedLink([[counts, _fields(roster, "host:2:new")]])  # type: ignore[assignment]  # a double
    with pytest.raises(LinkDownError):
        await roster.read(samples=False, seconds=0.2)
    assert not roster.is_readable
