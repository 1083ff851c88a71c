"""The stacks of the threads and of the asyncio tasks of processes, with equal ones together."""

import asyncio
import threading
from collections.abc import Hashable, Iterable, Iterator, Sequence
from types import FrameType
from typing import Any

from pydantic import BaseModel, Field

from c2casgiutils import instances
from c2casgiutils.debug._frames import Place, await_chain, place_of, request_of, stack_of, thread_frames

_MAX_FRAMES = 50
_MAX_OUTER_FRAMES = 10
_MAX_GROUPS = 200
_MAX_WHERE = 50
_MAX_NAME_LENGTH = 100
_MAX_TASKS = 10_000
_MAX_BYTES = 900_000
"""Maximum size of the groups as JSON; the whole of an answer stays below 1 MiB."""


def _is_none(value: object) -> bool:
    return value is None


class Frame(BaseModel):
    """One line of a stack."""

    file: str = Field(description="path below the entry of `sys.path` that it was imported from")
    line: int
    function: str


class Where(BaseModel):
    """Who has a stack: a thread, or an asyncio task."""

    instance: str
    thread: str | None = Field(default=None, exclude_if=_is_none)
    task: str | None = Field(default=None, exclude_if=_is_none)
    age_seconds: float | None = Field(
        default=None,
        exclude_if=_is_none,
        description="of a blocked event loop, since it is blocked; of a task of a request, since it began",
    )


class Group(BaseModel):
    """One stack, and who has it."""

    frames: list[Frame] = Field(description="the outermost first; the last one runs, or waits")
    where: list[Where]
    count: int = Field(description="number of threads and tasks, also those that are not listed")
    frames_left_out: int = Field(default=0, description="frames not listed, below the first ten")


class Stacks(BaseModel):
    """The stacks of one process or of several."""

    groups: list[Group]
    left_out: int = Field(default=0, description="number of threads and tasks whose stacks are not listed")


def collect(
    instance: str,
    loop: asyncio.AbstractEventLoop | None = None,
    loop_thread: int | None = None,
    *,
    blocked_seconds: float | None = None,
) -> Stacks:
    """Return the stacks of all threads of this process, and of the tasks of an event loop.

    Works in any thread, also while the event loop is blocked.

    Args:
        instance: The id of this process.
        loop: The event loop.
        loop_thread: The identifier of the thread that runs it.
        blocked_seconds: For how long it has been blocked.
    """
    folder = _Folder()
    frames = thread_frames()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identifier, frame in frames.items():
        age = blocked_seconds if identifier == loop_thread else None
        name = names.get(identifier, f"thread {identifier}")
        folder.add(stack_of(frame), _where(instance, thread=name, age=age))
    if loop is not None:
        running = stack_of(frames.get(loop_thread or 0))
        for task, chain in _tasks(loop, running):
            is_running = bool(running) and chain[-1:] == running[-1:]
            age = blocked_seconds if is_running and blocked_seconds else _age_of(task)
            folder.add(chain, _where(instance, task=task.get_name(), age=age))
    return _limited(folder.groups.values())


def stacks() -> Stacks:
    """Return the stacks of this process; called on its event loop."""
    return collect(instances.own_id(), asyncio.get_running_loop(), threading.get_ident())


def _where(instance: str, *, thread: str | None = None, task: str | None = None, age: float | None) -> Where:
    thread, task = (None if name is None else name[:_MAX_NAME_LENGTH] for name in (thread, task))
    return Where(
        instance=instance, thread=thread, task=task, age_seconds=None if age is None else round(age, 3)
    )


def _age_of(task: Any) -> float | None:
    request = request_of(task)
    return None if request is None else request.seconds


def _tasks(
    loop: asyncio.AbstractEventLoop, running: Sequence[FrameType]
) -> Iterator[tuple[asyncio.Task[Any], list[FrameType]]]:
    """Return the tasks and the frames of each, that of the running task from the stack of its thread."""
    current = asyncio.current_task(loop)
    for task in list(asyncio.all_tasks(loop))[:_MAX_TASKS]:
        chain = await_chain(task.get_coro())
        if task is current and chain and chain[0] in running:
            chain = list(running[running.index(chain[0]) :])
        if chain:
            yield task, chain


class _Folder:
    """Puts equal stacks together."""

    def __init__(self) -> None:
        self.groups: dict[Hashable, Group] = {}

    def add(self, frames: Sequence[FrameType], where: Where) -> None:
        places = tuple(map(place_of, frames))
        group = self.groups.get(places)
        if group is None:
            group = self.groups[places] = _group(places)
        _add(group, [where], 1)

    def add_group(self, group: Group) -> None:
        places = tuple((frame.file, frame.line, frame.function) for frame in group.frames)
        key = (places, group.frames_left_out)
        known = self.groups.get(key)
        if known is None:
            self.groups[key] = group.model_copy(deep=True)
            return
        _add(known, group.where, group.count)


def _group(places: Sequence[Place]) -> Group:
    left_out = max(0, len(places) - _MAX_FRAMES)
    shown = places
    if left_out:
        shown = [*places[:_MAX_OUTER_FRAMES], *places[_MAX_OUTER_FRAMES + left_out :]]
    frames = [Frame(**place._asdict()) for place in shown]
    return Group(frames=frames, where=[], count=0, frames_left_out=left_out)


def _add(group: Group, where: Sequence[Where], count: int) -> None:
    group.count += count
    group.where += where[: max(0, _MAX_WHERE - len(group.where))]


def merge(parts: Iterable[Stacks]) -> Stacks:
    """Return the stacks of several processes together.

    Args:
        parts: The stacks of each process.
    """
    folder, left_out = _Folder(), 0
    for part in parts:
        left_out += part.left_out
        for group in part.groups:
            folder.add_group(group)
    return _limited(folder.groups.values(), left_out)


def _limited(groups: Iterable[Group], left_out: int = 0) -> Stacks:
    """Return as many groups as an answer can have: blocked event loops, other threads, then most tasks."""
    found = sorted(groups, key=_rank)
    kept: list[Group] = []
    size = 0
    for group in found[:_MAX_GROUPS]:
        size += len(group.model_dump_json()) + 1
        if size > _MAX_BYTES:
            break
        kept.append(group)
    return Stacks(groups=kept, left_out=left_out + sum(group.count for group in found[len(kept) :]))


def _rank(group: Group) -> tuple[bool, bool, int]:
    threads = [where for where in group.where if where.thread is not None]
    return all(thread.age_seconds is None for thread in threads), not threads, -group.count
