"""A call that waits for the answers of several processes."""

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any

from c2casgiutils.broadcast import _metrics
from c2casgiutils.broadcast._envelope import AnswerHeader
from c2casgiutils.broadcast._handlers import Outcome
from c2casgiutils.broadcast.interface import Answer, make_answer
from c2casgiutils.broadcast.types import BroadcastResponse, MissingAnswer
from c2casgiutils.instances import Member


class Call:
    """Collects answers until all expected processes have answered."""

    __slots__ = ("_answers", "_count", "_done", "_expected", "_left", "_missing", "_ready")

    def __init__(self) -> None:
        self._answers: dict[str, tuple[AnswerHeader, Outcome]] = {}
        self._expected: dict[str, Member] = {}
        self._missing: Sequence[MissingAnswer] = ()
        self._count = 0
        self._left: frozenset[str] = frozenset()
        self._ready = False
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, header: AnswerHeader, outcome: Outcome) -> None:
        """Add an answer, expected or not; a second answer of the same process is ignored."""
        if header.sender in self._answers:
            _metrics.count("dropped")
            return
        self._answers[header.sender] = (header, outcome)
        self._finish_when_complete()

    def expect(self, expected: Iterable[Member], missing: Sequence[MissingAnswer] = ()) -> None:
        """Set which processes to wait for.

        Args:
            expected: The processes that will answer.
            missing: Those that will not answer.
        """
        self._expected = {member.id: member for member in expected}
        self._missing = missing
        self._start_waiting()

    def expect_count(self, count: int) -> None:
        """Wait for a number of answers, used when the roster is not known."""
        self._count = count
        self._start_waiting()

    def _start_waiting(self) -> None:
        self._ready = True
        self._finish_when_complete()

    def _finish_when_complete(self) -> None:
        if not self._ready or self._done.done():
            return
        if len(self._answers) >= self._count and self._expected.keys() <= self._answers.keys():
            self._done.set_result(None)

    @property
    def is_waiting(self) -> bool:
        """Return whether an expected answer is still missing."""
        return not self._expected.keys() <= self._answers.keys()

    def leave(self, members: Container[str]) -> None:
        """Note which of the expected processes are no longer in the roster."""
        self._left = frozenset(id_ for id_ in self._expected if id_ not in members)

    async def wait(self, seconds: float) -> None:
        """Wait until all expected processes have answered, or for the given time."""
        if self._done.done():
            return
        loop = asyncio.get_running_loop()
        # If the event loop itself was blocked, read what arrived in the meantime first.
        handle = loop.call_later(seconds, loop.call_soon, self._stop_waiting)
        try:
            await self._done
        finally:
            handle.cancel()

    def _stop_waiting(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def result(self, decode: Callable[[bytes], Any]) -> list[Answer]:
        """Return the answers in the order of their arrival, followed by the missing ones."""
        answers = list(self._known_answers(decode))
        missing = list(self._missing)
        missing += [
            MissingAnswer(member.hostname, member.pid, reason="left" if id_ in self._left else "timeout")
            for id_, member in self._expected.items()
            if id_ not in self._answers
        ]
        missing += [MissingAnswer()] * max(0, self._count - len(answers))
        _metrics.count("missing", len(missing))
        return answers + missing

    def _known_answers(self, decode: Callable[[bytes], Any]) -> Iterator[Answer]:
        for header, outcome in self._answers.values():
            answer = make_answer(header.hostname, header.pid, outcome, decode)
            is_valid = isinstance(answer, BroadcastResponse) or outcome.error is not None
            # an invalid answer of a process that was not asked may have been sent by anyone
            if is_valid or not self._expected or header.sender in self._expected:
                yield answer
