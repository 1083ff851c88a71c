"""A profile by samples: what each thread of the process runs, many times a second."""

import random
import sys
import threading
import time
from collections.abc import Hashable
from types import CodeType, FrameType

from c2casgiutils.debug._call_tree import WAITING, CallTree, Frame, TreeBuilder
from c2casgiutils.debug._frames import short_path, stack_of, thread_frames

_MAX_DEPTH = 200
_MAX_NODES = 50_000
_MAX_TEXT_LENGTH = 200
_SWITCH_SECONDS = 0.000_5
"""How soon a running thread gives way to the sampler. With the usual 5 ms the sampler would get its turn only
when a function that takes less time has ended, and never see it."""
_REST = 4
"""The sampler sleeps at least this many times as long as a sample takes."""
_WAITS = frozenset(
    {
        ("asyncio/runners.py", "run"),  # the deepest frame while an event loop written in C waits
        ("concurrent/futures/thread.py", "_worker"),
        ("queue.py", "get"),
        ("selectors.py", "select"),
        ("threading.py", "_wait_for_tstate_lock"),
        ("threading.py", "join"),
        ("threading.py", "wait"),
    }
)
"""Functions of the standard library in which a thread waits for work."""


_DIAGNOSTICS = frozenset({"c2casgiutils-profile", "c2casgiutils-responder", "c2casgiutils-watchdog"})
"""Threads of the diagnostics themselves, which wait in functions of other libraries, too."""


class Sampler:
    """Samples the stacks of all threads but those of the diagnostics.

    `sys._current_frames` shows all of them without their cooperation, so a running event loop is neither
    restarted nor slowed down. Profilers that hook into calls, such as `cProfile` and pyinstrument, must be
    started in the thread that they observe, and slow down each of its calls.

    A sample counts for the time since the previous one, because the sampler is late while others hold the
    interpreter lock.

    Args:
        seconds: Duration.
        hz: Number of samples a second; fewer if they take too long.
    """

    def __init__(self, seconds: float, hz: int) -> None:
        self._seconds = seconds
        self._interval = 1 / hz
        self._builder = TreeBuilder(_MAX_NODES)
        self._names: dict[int, str] = {}
        self._is_wait: dict[CodeType, bool] = {}
        self.samples = 0

    def run(self, stopped: threading.Event) -> CallTree:
        """Return the tree of the calls; called in a thread.

        Args:
            stopped: Ends it early.
        """
        usual = sys.getswitchinterval()
        sys.setswitchinterval(min(usual, _SWITCH_SECONDS))
        try:
            self._sample_until(stopped)
        finally:
            sys.setswitchinterval(usual)
        return self._builder.tree

    def _sample_until(self, stopped: threading.Event) -> None:
        before = time.monotonic()
        end = before + self._seconds
        pause = self._interval
        while before < end and not stopped.wait(min(pause, end - before)):
            now = time.monotonic()
            self._sample(round((now - before) * 1e6))
            took = time.monotonic() - now
            # Not regular: what the process does in the same rhythm would always or never be seen.
            wanted = self._interval * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
            pause = max(wanted - took, took * _REST)
            before = now

    def _sample(self, microseconds: int) -> None:
        """Add a sample; no frame of another thread is held afterwards."""
        for ident, frame in thread_frames().items():
            if self._name(ident) not in _DIAGNOSTICS:
                self._add(ident, frame, microseconds)
        self.samples += 1

    def _add(self, ident: int, frame: FrameType, microseconds: int) -> None:
        codes = [each.f_code for each in stack_of(frame)[-_MAX_DEPTH:]]
        keys: list[Hashable] = [self._name(ident), *codes]
        if self._waits(codes[-1]):
            keys.insert(1, WAITING)
        node, known = self._builder.find(-1, keys)
        for key in keys[known:]:
            node = self._builder.child(node, key, _frame_of(key))
        self._builder.add(node, microseconds)

    def _name(self, ident: int) -> str:
        """Return the name of a thread; those of the same name are one."""
        if ident not in self._names:
            self._names = {thread.ident or 0: thread.name for thread in threading.enumerate()}
            self._names.setdefault(ident, "unknown thread")
        return self._names[ident]

    def _waits(self, code: CodeType) -> bool:
        if code not in self._is_wait:
            self._is_wait[code] = (short_path(code.co_filename), code.co_name) in _WAITS
        return self._is_wait[code]


def _frame_of(key: Hashable) -> Frame:
    if isinstance(key, CodeType):
        return Frame(
            name=key.co_qualname[:_MAX_TEXT_LENGTH],
            file=short_path(key.co_filename),
            line=key.co_firstlineno,
        )
    return Frame(name=str(key)[:_MAX_TEXT_LENGTH])
