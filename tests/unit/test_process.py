"""A value for each event loop of the process."""

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from c2casgiutils._process import PerLoop, running_loop


class Value:
    """Something that is told apart by identity."""


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A second event loop, closed at the end."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


async def _get(values: PerLoop[Value]) -> Value:
    return values.get()


async def test_one_value_for_a_loop() -> None:
    """The value is created on first use and stays the same on its loop."""
    values = PerLoop(Value)
    assert values.peek() is None
    assert values.get() is values.get() is values.peek()


def test_each_loop_has_its_own(other_loop: asyncio.AbstractEventLoop) -> None:
    """Two loops that are both open do not share a value, and none of them takes that of the other."""
    values = PerLoop(Value)
    first = other_loop.run_until_complete(_get(values))
    second = asyncio.run(_get(values))
    assert first is not second
    assert other_loop.run_until_complete(_get(values)) is first


def test_value_ends_with_its_loop(other_loop: asyncio.AbstractEventLoop) -> None:
    """A value whose loop was closed is handed to `on_drop` once; those of open loops stay."""
    dropped: list[Value] = []
    values = PerLoop(Value, dropped.append)
    kept = other_loop.run_until_complete(_get(values))
    first = asyncio.run(_get(values))
    asyncio.run(_get(values))
    assert dropped == [first]
    assert other_loop.run_until_complete(_get(values)) is kept


async def test_set_and_pop() -> None:
    """A value may be replaced, and removed."""
    values = PerLoop(Value)
    value = Value()
    assert values.set(value) is values.get() is values.pop() is value
    assert values.pop() is None
    assert values.get() is not value


def test_clear(other_loop: asyncio.AbstractEventLoop) -> None:
    """`clear` gives the values of all loops, with their loops."""
    values = PerLoop(Value)
    first, outside = other_loop.run_until_complete(_get(values)), values.get()
    assert values.clear() == {other_loop: first, None: outside}
    assert values.clear() == {}


async def test_thread_without_loop() -> None:
    """A thread sees the value of the loop with `nearest`, and one of its own with `get`."""
    values = PerLoop(Value)
    value = values.get()
    found = []

    def read() -> None:
        found.extend([running_loop(), values.nearest(), values.get()])

    thread = threading.Thread(target=read)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert found[:2] == [None, value]
    assert found[2] not in (None, value)


def test_nearest_never_belongs_to_a_closed_loop() -> None:
    """Outside of a loop a value whose loop was closed is not given."""
    values = PerLoop(Value)
    ended = asyncio.run(_get(values))
    assert values.nearest() is not ended
    assert values.nearest() is values.get()


def test_fork() -> None:
    """A child starts without a value, and does not finalize those of its parent."""
    finalized = []

    class Socket:
        def __del__(self) -> None:
            finalized.append(os.getpid())

    values = PerLoop(Socket)
    parent = id(values.get())
    child = os.fork()
    if child == 0:
        is_fresh = values.peek() is None and id(values.get()) != parent
        os._exit(0 if is_fresh and not finalized else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert id(values.get()) == parent


def test_values_of_other_event_loops(other_loop: asyncio.AbstractEventLoop) -> None:
    """Those of loops that are open, without one's own."""
    values = PerLoop(Value)
    first = other_loop.run_until_complete(_get(values))

    async def elsewhere() -> list[Value]:
        values.get()
        return values.elsewhere()

    assert asyncio.run(elsewhere()) == [first]
    other_loop.close()
    assert asyncio.run(elsewhere()) == []
