"""Stacks of threads and tasks."""

import asyncio
import contextlib
import inspect
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from c2casgiutils.debug._frames import await_chain, request_of
from c2casgiutils.debug._stacks import Frame, Group, Stacks, Where, collect, merge
from c2casgiutils.request_tracking import RequestContext
from tests.support.request_context import current

HERE = "tests/unit/debug/test_stacks.py"


async def wait_here(gate: asyncio.Event) -> None:
    await gate.wait()


async def through_a_coroutine(gate: asyncio.Event) -> None:
    await wait_here(gate)


async def numbers(gate: asyncio.Event) -> AsyncIterator[int]:
    await wait_here(gate)
    yield 1


async def through_a_generator(gate: asyncio.Event) -> None:
    async for _ in numbers(gate):
        pass


async def through_anext(gate: asyncio.Event) -> None:
    await anext(numbers(gate), 2)


async def through_aclose(gate: asyncio.Event) -> None:
    async def closing() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await wait_here(gate)

    generator = closing()
    await anext(generator)
    await generator.aclose()  # type: ignore[attr-defined]  # a generator


class Box:
    """An awaitable object around a coroutine."""

    def __init__(self, gate: asyncio.Event) -> None:
        self.gate = gate

    def __await__(self) -> Generator[Any, None, None]:
        return wait_here(self.gate).__await__()


async def through_an_object(gate: asyncio.Event) -> None:
    await Box(gate)


@contextlib.asynccontextmanager
async def holding(gate: asyncio.Event) -> AsyncIterator[None]:
    await wait_here(gate)
    yield


async def holding_a_context(gate: asyncio.Event) -> None:
    async with holding(gate):
        pass


async def through_gather(gate: asyncio.Event) -> None:
    await asyncio.gather(wait_here(gate))


async def through_a_task_group(gate: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(wait_here(gate))


async def through_shield(gate: asyncio.Event) -> None:
    await asyncio.shield(wait_here(gate))


@contextlib.asynccontextmanager
async def waiting(
    function: Callable[[asyncio.Event], Awaitable[None]], number: int = 1
) -> AsyncIterator[asyncio.Event]:
    """Tasks that wait while the block runs."""
    gate = asyncio.Event()
    tasks = [asyncio.ensure_future(function(gate)) for _ in range(number)]
    for _ in range(5):
        await asyncio.sleep(0)
    yield gate
    gate.set()
    await asyncio.gather(*tasks)


def of_tasks(stacks: Stacks) -> list[list[str]]:
    """The names of the functions in the stacks of tasks."""
    return [
        [frame.function.rpartition(".")[2] for frame in group.frames]
        for group in stacks.groups
        if any(where.task for where in group.where)
    ]


@pytest.mark.parametrize(
    ("function", "chain"),
    [
        (through_a_coroutine, ["through_a_coroutine", "wait_here", "wait"]),
        (through_a_generator, ["through_a_generator", "numbers", "wait_here", "wait"]),
        (through_anext, ["through_anext", "numbers", "wait_here", "wait"]),
        (through_aclose, ["through_aclose", "closing", "wait_here", "wait"]),
        (through_an_object, ["through_an_object", "wait_here", "wait"]),
        (
            holding_a_context,
            ["holding_a_context", "__aenter__", "holding", "wait_here", "wait"],
        ),
        (through_gather, ["through_gather"]),
        (through_a_task_group, ["through_a_task_group", "__aexit__"]),
        (through_shield, ["through_shield"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_the_await_chain_is_whole(
    function: Callable[[asyncio.Event], Awaitable[None]], chain: list[str]
) -> None:
    """A task shows all that it awaits, and what runs as a task of its own is listed on its own."""
    async with waiting(function):
        found = of_tasks(collect("web:1", asyncio.get_running_loop(), threading.get_ident()))
    assert chain in found
    assert any(stack[-2:] == ["wait_here", "wait"] for stack in found)


async def test_frames_have_a_place_and_no_values() -> None:
    """h/D02, h/D04: a frame is file, line and function."""
    password = "letmein-1234"  # must not be shown
    async with waiting(through_a_coroutine):
        stacks = collect("web:1", asyncio.get_running_loop(), threading.get_ident())
    group = next(group for group in stacks.groups if group.frames[0].function == "through_a_coroutine")
    line = inspect.getsourcelines(through_a_coroutine)[1] + 1
    assert group.frames[0] == Frame(file=HERE, line=line, function="through_a_coroutine")
    assert group.frames[-1].file == "asyncio/locks.py"
    assert password not in stacks.model_dump_json()
    assert str(Path.cwd()) not in stacks.model_dump_json()


async def test_equal_stacks_are_one_group() -> None:
    """Tasks with one stack are listed together, up to 50 of them, and counted."""
    async with waiting(wait_here, number=120):
        stacks = collect("web:1", asyncio.get_running_loop(), threading.get_ident())
    (group,) = [group for group in stacks.groups if group.frames[0].function == "wait_here"]
    assert (group.count, len(group.where)) == (120, 50)


async def test_the_running_task_shows_what_it_runs() -> None:
    """The stack of the running task goes on into the functions that it called."""
    stacks = collect("web:1", asyncio.get_running_loop(), threading.get_ident())
    mine = [stack for stack in of_tasks(stacks) if "test_the_running_task_shows_what_it_runs" in stack]
    assert [stack[-1] for stack in mine] == ["thread_frames"]


def test_threads_are_named() -> None:
    """A thread is listed with its name and its stack."""
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="worker of the test")
    thread.start()
    try:
        stacks = collect("web:1")
    finally:
        gate.set()
        thread.join()
    (group,) = [group for group in stacks.groups if group.where[0].thread == "worker of the test"]
    assert group.where[0].instance == "web:1"
    assert (group.frames[-1].file, group.frames[-1].function) == ("threading.py", "Condition.wait")


def test_a_blocked_loop_is_seen_from_another_thread() -> None:
    """While the loop is blocked, its thread and its running task show where, and for how long."""
    loop = asyncio.new_event_loop()
    entered = threading.Event()

    async def block() -> None:
        entered.set()
        time.sleep(1)  # noqa: ASYNC251  # what the test is about

    thread = threading.Thread(target=lambda: loop.run_until_complete(block()), name="the loop")
    thread.start()
    try:
        entered.wait(10)
        stacks = collect("web:1", loop, thread.ident, blocked_seconds=0.25)
    finally:
        thread.join()
        loop.close()
    found = [group for group in stacks.groups if group.frames[-1].function.endswith("block")]
    ages = {(where.thread is not None, where.age_seconds) for group in found for where in group.where}
    assert ages == {(True, 0.25), (False, 0.25)}


async def test_a_task_knows_its_request() -> None:
    """The request of a task is found, and how long ago it began."""
    with current(RequestContext("mine", began=time.monotonic() - 60)):
        task = asyncio.create_task(asyncio.sleep(100), name="of the request")
    await asyncio.sleep(0)
    request = request_of(task)
    assert request is not None
    assert request.request_id == "mine"
    stacks = collect("web:1", asyncio.get_running_loop(), threading.get_ident())
    (age,) = [w.age_seconds for g in stacks.groups for w in g.where if w.task == "of the request"]
    assert age is not None
    assert 60 <= age < 120
    task.cancel()


def recurse(depth: int, function: Callable[[], Stacks]) -> Stacks:
    return function() if not depth else recurse(depth - 1, function)


def test_deep_stacks_are_cut_in_the_middle() -> None:
    """Fifty frames of a stack are shown: the outermost ten, and the innermost."""
    stacks = recurse(300, lambda: collect("web:1"))
    (group,) = [group for group in stacks.groups if any("recurse" in f.function for f in group.frames)]
    assert len(group.frames) == 50
    assert group.frames_left_out > 250
    assert group.frames[-1].function == "thread_frames"


async def test_many_tasks_fit_into_an_answer() -> None:
    """Thousands of tasks with different stacks are bounded, and what is left out is counted."""
    gate = asyncio.Event()
    source = "\n".join(f"async def f{number}(gate): await gate.wait()" for number in range(3000))
    functions: dict[str, Any] = {}
    exec(source, functions)  # noqa: S102  # many different functions
    tasks = [asyncio.create_task(functions[f"f{number}"](gate)) for number in range(3000)]
    await asyncio.sleep(0)
    stacks = collect("web:1", asyncio.get_running_loop(), threading.get_ident())
    gate.set()
    await asyncio.gather(*tasks)
    assert len(stacks.groups) == 200
    assert stacks.left_out + sum(group.count for group in stacks.groups) >= 3000
    assert any(where.thread for group in stacks.groups for where in group.where)


def make_group(function: str, instance: str, *, length: int = 1) -> Group:
    frames = [Frame(file="x" * 200, line=1, function=function) for _ in range(length)]
    return Group(frames=frames, where=[Where(instance=instance, thread="MainThread")], count=1)


def test_stacks_of_processes_are_merged() -> None:
    """Equal stacks of several processes are one group, and what they left out is added up."""
    merged = merge(
        [
            Stacks(groups=[make_group("idle", "a"), make_group("busy", "a")], left_out=3),
            Stacks(groups=[make_group("idle", "b")], left_out=4),
        ]
    )
    assert merged.left_out == 7
    assert [(g.frames[0].function, g.count, [w.instance for w in g.where]) for g in merged.groups] == [
        ("idle", 2, ["a", "b"]),
        ("busy", 1, ["a"]),
    ]


def test_blocked_loops_come_first() -> None:
    """Before threads that wait, however many they are, so that none is left out."""
    blocked = make_group("block", "a")
    blocked.where[0].age_seconds = 4.2
    task = Group(
        frames=[Frame(file="y", line=1, function="request")],
        where=[Where(instance="b", task="one", age_seconds=9)],
        count=5,
    )
    waiting = [make_group("wait", name) for name in "abc"]
    merged = merge([Stacks(groups=[task, *waiting, blocked])])
    assert [(g.frames[0].function, g.count) for g in merged.groups] == [
        ("block", 1),
        ("wait", 3),
        ("request", 5),
    ]


def test_an_answer_is_below_a_mebibyte() -> None:
    """However long the names, the answer of a cluster stays below 1 MiB."""
    parts = [Stacks(groups=[make_group(f"{n}" * 50, f"{n}", length=50)]) for n in range(300)]
    merged = merge(parts)
    assert len(merged.model_dump_json()) < 1024 * 1024
    assert 0 < len(merged.groups) < 200
    assert merged.left_out == 300 - len(merged.groups)


def test_a_finished_coroutine_has_no_chain() -> None:
    """What is not suspended has no frames."""

    async def nothing() -> None:
        pass

    coroutine = nothing()
    with contextlib.suppress(StopIteration):
        coroutine.send(None)
    assert await_chain(coroutine) == []


async def test_many_tasks_and_threads_do_not_take_long() -> None:
    """h/D03: five thousand tasks and two hundred threads are collected in half a minute at most."""
    threads_gate = threading.Event()
    threads = [threading.Thread(target=threads_gate.wait) for _ in range(200)]
    for thread in threads:
        thread.start()
    try:
        async with waiting(through_a_generator, number=5000):
            began = time.monotonic()
            stacks = collect("web:1", asyncio.get_running_loop(), threading.get_ident())
            assert time.monotonic() - began < 30
    finally:
        threads_gate.set()
        for thread in threads:
            thread.join()
    assert sum(group.count for group in stacks.groups) >= 5200
    assert len(stacks.groups) < 20
