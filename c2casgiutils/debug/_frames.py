"""The frames of threads and coroutines, as file, line and function; never with their variables."""

import contextlib
import contextvars
import functools
import gc
import sys
import sysconfig
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from c2casgiutils.request_tracking import CURRENT, RequestContext

_MAX_TEXT_LENGTH = 200
_MAX_DEPTH = 1000
_MAX_CACHED_FILES = 10_000

_COLLECTS_WHEN_ALLOCATING = sys.version_info < (3, 12)
_WALK_LOCK = threading.RLock()
_KNOWS_SUSPENDED_GENERATORS = hasattr(types.AsyncGeneratorType, "ag_suspended")  # since Python 3.12

_FRAMES = ("cr_frame", "ag_frame", "gi_frame")
_AWAITED = ("cr_await", "ag_await", "gi_yieldfrom")
_OPAQUE = frozenset(
    {"coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable"}
)
"""Types of the interpreter that stand between two coroutines and have no attribute for the inner one."""
_SERVERS = frozenset(
    {
        "anyio",
        "c2casgiutils",
        "fastapi",
        "gunicorn",
        "granian",
        "hypercorn",
        "prometheus_fastapi_instrumentator",
        "sentry_sdk",
        "starlette",
        "uvicorn",
        "uvloop",
    }
)
"""Packages whose frames are around every request."""


class Place(NamedTuple):
    """A line of code.

    Attributes:
        file: Its path below the entry of `sys.path` that it was imported from (`app/views.py`), otherwise the
            absolute path.
        line: The number of the line; 0 if unknown.
        function: The qualified name of the function.
    """

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        """Return `<file>:<line> <function>`."""
        return f"{self.file}:{self.line} {self.function}"


def place_of(frame: FrameType) -> Place:
    """Return the line that a frame executes."""
    code = frame.f_code
    return Place(short_path(code.co_filename), frame.f_lineno or 0, code.co_qualname[:_MAX_TEXT_LENGTH])


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Collect no garbage while the frames of other threads are read.

    Python creates the object of a frame only when it is asked for. Up to 3.11 this may start a collection,
    whose callbacks and finalizers can release the GIL: if the other thread then returns from that frame, the
    process crashes, and `sys._current_frames` deadlocks if a thread starts or ends
    (https://github.com/python/cpython/issues/106883). Python 3.12 collects only between instructions.
    """
    if not _COLLECTS_WHEN_ALLOCATING:
        yield
        return
    with _WALK_LOCK:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()


@_without_collections()
def thread_frames() -> dict[int, FrameType]:
    """Return the innermost frame of each thread, by its identifier."""
    return sys._current_frames()  # noqa: SLF001  # documented, in spite of its name


@_without_collections()
def stack_of(frame: FrameType | None) -> list[FrameType]:
    """Return a frame and its callers, the outermost first."""
    found: list[FrameType] = []
    while frame is not None and len(found) < _MAX_DEPTH:
        found.append(frame)
        frame = frame.f_back
    return found[::-1]


@_without_collections()
def await_chain(awaitable: Any) -> list[FrameType]:
    """Return the frames of a suspended coroutine and of all that it awaits, the outermost first.

    `Task.get_stack` returns only the first of them. The chain passes through coroutines, generators and
    asynchronous generators, and ends at a future, a task or a coroutine that runs.
    """
    found: list[FrameType] = []
    current = awaitable
    while current is not None and len(found) < _MAX_DEPTH:
        frame = _first(current, _FRAMES)
        if frame is not None:
            found.append(frame)
        current = _behind(current) if type(current).__name__ in _OPAQUE else _awaited(current)
    return found


def _awaited(owner: Any) -> Any:
    """Return what a coroutine or generator waits for; nothing while it runs.

    Then Python 3.12 may take one of its own counters for an instruction: it returns the address
    of the code as an object, and the process crashes. There is no call between the question and the reading,
    so no other thread resumes the coroutine meanwhile.
    """
    kind = type(owner)
    if kind is types.CoroutineType:
        return owner.cr_await if owner.cr_suspended else None
    if kind is types.GeneratorType:
        return owner.gi_yieldfrom if owner.gi_suspended else None
    if kind is types.AsyncGeneratorType and _KNOWS_SUSPENDED_GENERATORS:
        return owner.ag_await if owner.ag_suspended else None
    return _first(owner, _AWAITED)


def _first(owner: Any, names: tuple[str, ...]) -> Any:
    return next((value for name in names if (value := getattr(owner, name, None)) is not None), None)


def _behind(opaque: Any) -> Any:
    """Return the coroutine or generator that an object of the interpreter stands for."""
    return next((item for item in gc.get_referents(opaque) if _is_suspendable(item)), None)


def _is_suspendable(item: object) -> bool:
    return any(hasattr(type(item), name) for name in _FRAMES) or type(item).__name__ in _OPAQUE


def request_of(task: Any) -> RequestContext | None:
    """Return the request that a task works for, from any thread.

    Args:
        task: The task; before Python 3.12 it has no method that returns its context.
    """
    if hasattr(task, "get_context"):
        contexts = [task.get_context()]
    else:
        contexts = [item for item in gc.get_referents(task) if isinstance(item, contextvars.Context)]
    return next((found for context in contexts if (found := context.get(CURRENT)) is not None), None)


def guilty(frames: list[FrameType]) -> FrameType | None:
    """Return the frame that a reader looks for in the stack of a blocked event loop.

    It is the deepest one of the application: code outside of the standard library and of the installed
    packages. An application that is installed itself has none; then it is the deepest one that belongs
    neither to the standard library nor to the server and the framework, else the deepest of all.

    Args:
        frames: The stack, the outermost first.
    """
    tests: tuple[Callable[[str], bool], ...] = (_is_of_application, _is_of_library, bool)
    for test in tests:
        for frame in reversed(frames):
            if test(frame.f_code.co_filename):
                return frame
    return None


@functools.lru_cache(maxsize=_MAX_CACHED_FILES)
def _is_of_application(file: str) -> bool:
    return not (file.startswith(("<", _standard(), _own())) or _is_installed(file))


@functools.lru_cache(maxsize=_MAX_CACHED_FILES)
def _is_of_library(file: str) -> bool:
    if file.startswith("<") or (file.startswith(_standard()) and not _is_installed(file)):
        return False
    return short_path(file).partition("/")[0] not in _SERVERS


def _is_installed(file: str) -> bool:
    return "/site-packages/" in file or "/dist-packages/" in file


@functools.cache
def _standard() -> str:
    return f"{sysconfig.get_path('stdlib')}/"


@functools.cache
def _own() -> str:
    return f"{Path(__file__).parents[1]}/"


@functools.lru_cache(maxsize=_MAX_CACHED_FILES)
def short_path(file: str) -> str:
    """Return the path of a file below the entry of `sys.path` that it was imported from, if there is one."""
    folders = (f"{(entry or str(Path.cwd())).rstrip('/')}/" for entry in sys.path)
    folder = max((folder for folder in folders if file.startswith(folder)), key=len, default="")
    return file[len(folder) :][-_MAX_TEXT_LENGTH:]
