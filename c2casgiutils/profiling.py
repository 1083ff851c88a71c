"""Profile a block of code or a function while developing."""

import contextlib
import contextvars
import cProfile
import functools
import inspect
import logging
import os
import pstats
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")

_LOGGER = logging.getLogger(__name__)

_ENTERED: contextvars.ContextVar[tuple[cProfile.Profile | None, ...]] = contextvars.ContextVar(
    "profiled_blocks", default=()
)
"""The profilers of the `with` blocks around the running code, `None` for one that is not profiled."""


class Profile:
    """Profiles a block or a function with `cProfile`, and writes the statistics to a file.

    It is a context manager, also around `await`, and a decorator of functions and coroutine functions:

        with Profile("/tmp/report.prof", print_number=10):
            create_report()

        @Profile("/tmp/view.prof")
        async def view() -> None: ...

    Each run of the same `Profile` is added to the statistics, and the file is written again; read it with
    `python -m pstats`, snakeviz or similar tools.

    `cProfile` records everything that the thread runs, so also what other tasks do while a coroutine waits. A
    thread (since Python 3.12, the process) has one profiler at a time: a block or a call that begins while
    another one is profiled runs without a profile of its own, which is logged once. To sample a
    process in production there is `POST /debug/profile`.

    Args:
        path: The file, replaced as a whole. Several processes need several names.
        print_number: Also print this many functions, those with the highest cumulative time; 0 for none.

    Raises:
        ValueError: `print_number` is negative.
    """

    def __init__(self, path: str | os.PathLike[str], print_number: int = 0) -> None:
        if print_number < 0:
            raise ValueError(f"print_number must be 0 or more, not {print_number}")
        self.path: Path = Path(path)
        self.print_number = print_number
        self._lock = threading.Lock()
        self._stats: pstats.Stats | None = None
        self._has_warned = False

    def __enter__(self) -> Self:
        """Begin to profile."""
        _ENTERED.set((*_ENTERED.get(), self._start()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write the statistics, also if the block raised."""
        *others, profiler = _ENTERED.get()
        _ENTERED.set(tuple(others))
        self._finish(profiler)

    def __call__(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """Return the function, profiled at each call.

        Raises:
            TypeError: It is a generator function, which returns before its code runs.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator function; profile the code inside of it")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def profiled_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast("Callable[_P, _T]", profiled_coroutine)

        @functools.wraps(function)
        def profiled(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            with self:
                return function(*args, **kwargs)

        return profiled

    def _start(self) -> cProfile.Profile | None:
        profiler = cProfile.Profile()
        if sys.getprofile() is None:  # until Python 3.11 a second profiler would silently replace the first
            with contextlib.suppress(ValueError):  # from Python 3.12 on it is refused
                profiler.enable()
                return profiler
        if not self._has_warned:
            self._has_warned = True
            _LOGGER.warning("No profile for %s: another profiler is active", self.path)
        return None

    def _finish(self, profiler: cProfile.Profile | None) -> None:
        if profiler is None:
            return
        profiler.disable()
        with self._lock:
            if self._stats is None:
                self._stats = pstats.Stats(profiler)
            else:
                self._stats.add(profiler)
            self._write(self._stats)

    def _write(self, stats: pstats.Stats) -> None:
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            stats.dump_stats(partial)
            partial.replace(self.path)
        except OSError as error:
            _LOGGER.warning("The profile %s is not written: %s", self.path, error.strerror or error)
        if self.print_number:
            stats.sort_stats(pstats.SortKey.CUMULATIVE).print_stats(self.print_number)
