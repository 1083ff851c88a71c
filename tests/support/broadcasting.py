"""What the local broadcaster and the one with Redis have in common, as tests."""

import asyncio
import contextvars
import dataclasses
import logging
import math
import threading
import time
from typing import Any

import pytest

from c2casgiutils import broadcast
from c2casgiutils.broadcast import (
    BroadcastError,
    BroadcastResponse,
    BroadcastUnavailable,
    FailedAnswer,
    MissingAnswer,
    _codec,
)
from c2casgiutils.request_tracking import (
    RequestContext,
    TraceParent,
    current_request_id,
    current_scope,
    current_trace_id,
    headers,
)
from tests.support.net import eventually
from tests.support.request_context import current


async def _echo(**params: Any) -> dict[str, Any]:
    return params


def payloads(answers: "list[BroadcastResponse[Any] | MissingAnswer] | None") -> list[Any]:
    """The payloads of answers that are all there."""
    assert answers is not None
    assert all(isinstance(answer, BroadcastResponse) for answer in answers), answers
    return [answer.payload for answer in answers if isinstance(answer, BroadcastResponse)]


@dataclasses.dataclass
class Box:
    """A type that crosses the wire."""

    size: int


class OddError(BaseException):
    """Not an `Exception`."""


class BadTextError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise SystemExit(3)


class Conformance:
    """Each test runs with a started broadcast; the subclass says with which broadcaster."""

    async def test_no_subscriber(self) -> None:
        assert await broadcast.broadcast("nobody", expect_answers=True) == []
        assert await broadcast.broadcast("nobody") is None

    async def test_answer(self) -> None:
        await broadcast.subscribe("echo", _echo)
        answers = await broadcast.broadcast("echo", {"a": 1, "b": ["x", None]}, expect_answers=True)
        assert payloads(answers) == [{"a": 1, "b": ["x", None]}]
        assert answers is not None
        assert isinstance(answers[0], BroadcastResponse)
        assert (answers[0].hostname, answers[0].pid) != ("", 0)

    async def test_without_answers_the_handler_runs(self) -> None:
        called = asyncio.Event()

        async def handler() -> None:
            called.set()

        await broadcast.subscribe("quiet", handler)
        assert await broadcast.broadcast("quiet") is None
        async with asyncio.timeout(30):
            await called.wait()

    async def test_unsubscribe(self) -> None:
        await broadcast.subscribe("echo", _echo)
        await broadcast.unsubscribe("echo")
        await broadcast.unsubscribe("echo")
        assert await broadcast.broadcast("echo", expect_answers=True) == []

    async def test_the_last_callback_of_a_channel_counts(self) -> None:
        async def other() -> str:
            return "other"

        await broadcast.subscribe("echo", _echo)
        await broadcast.subscribe("echo", other)
        assert payloads(await broadcast.broadcast("echo", expect_answers=True)) == ["other"]

    async def test_slow_handler_is_missing_at_the_timeout(self) -> None:
        async def slow() -> None:
            await asyncio.sleep(30)

        await broadcast.subscribe("slow", slow)
        start = time.monotonic()
        (answer,) = await broadcast.broadcast("slow", expect_answers=True, timeout=0.3) or []
        assert time.monotonic() - start < 10
        assert isinstance(answer, MissingAnswer)
        assert not isinstance(answer, FailedAnswer)
        assert answer.hostname
        assert answer.pid

    async def test_failing_handler_is_a_failure(self) -> None:
        async def broken() -> None:
            raise ValueError("no such thing")

        await broadcast.subscribe("broken", broken)
        (answer,) = await broadcast.broadcast("broken", expect_answers=True) or []
        assert isinstance(answer, FailedAnswer)
        assert answer.error == "ValueError: no such thing"
        assert answer.pid

    @pytest.mark.parametrize(
        "error",
        [
            pytest.param(SystemExit(3), id="system-exit"),
            pytest.param(KeyboardInterrupt(), id="keyboard-interrupt"),
            pytest.param(GeneratorExit(), id="generator-exit"),
            pytest.param(asyncio.CancelledError(), id="cancelled-error"),
            pytest.param(StopIteration(), id="stop-iteration"),
            pytest.param(StopAsyncIteration(), id="stop-async-iteration"),
            pytest.param(BaseExceptionGroup("many", [SystemExit(3)]), id="group"),
            pytest.param(OddError(), id="of-its-own"),
            pytest.param(BadTextError(), id="without-text"),
        ],
    )
    @pytest.mark.parametrize("expect_answers", [True, False], ids=["answers", "no-answers"])
    async def test_whatever_a_handler_raises_is_a_failure_at_once(
        self, error: BaseException, expect_answers: bool
    ) -> None:
        """No exception of a handler ends the process, or keeps the caller waiting."""

        async def broken() -> None:
            await asyncio.sleep(0)
            raise error

        await broadcast.subscribe("broken", broken)
        async with asyncio.timeout(30):
            answers = await broadcast.broadcast("broken", expect_answers=expect_answers, timeout=20)
        if expect_answers:
            (answer,) = answers or []
            assert isinstance(answer, FailedAnswer)
            assert answer.error
        await broadcast.subscribe("echo", _echo)
        assert payloads(await broadcast.broadcast("echo", {"a": 1}, expect_answers=True)) == [{"a": 1}]

    async def test_handler_that_cancels_itself_is_a_failure_at_once(self) -> None:
        """The cancellation of a handler by itself is an answer, not silence."""

        async def broken() -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(60)

        await broadcast.subscribe("broken", broken)
        async with asyncio.timeout(30):
            (answer,) = await broadcast.broadcast("broken", expect_answers=True, timeout=20) or []
        assert isinstance(answer, FailedAnswer)

    async def test_failure_with_an_odd_text_is_a_failure(self, caplog: pytest.LogCaptureFixture) -> None:
        # pytest-xdist cannot send a captured log with such a text
        caplog.set_level(logging.CRITICAL, "c2casgiutils.broadcast._handlers")

        async def broken() -> None:
            raise ValueError("\udcff" + "x" * 10_000)

        await broadcast.subscribe("broken", broken)
        (answer,) = await broadcast.broadcast("broken", expect_answers=True) or []
        assert isinstance(answer, FailedAnswer)
        assert len(answer.error) <= 1000

    async def test_wrong_parameters_are_a_failure(self) -> None:
        async def handler(*, number: int) -> int:
            return number

        await broadcast.subscribe("strict", handler)
        (answer,) = await broadcast.broadcast("strict", {"other": 1}, expect_answers=True) or []
        assert isinstance(answer, FailedAnswer)
        assert "TypeError" in answer.error

    async def test_unserialisable_answer_is_a_failure(self) -> None:
        async def handler() -> object:
            return object()

        await broadcast.subscribe("odd", handler)
        (answer,) = await broadcast.broadcast("odd", expect_answers=True) or []
        assert isinstance(answer, FailedAnswer)

    async def test_unserialisable_parameter_is_an_error(self) -> None:
        with pytest.raises(BroadcastError, match=r"'echo'.*JSON"):
            await broadcast.broadcast("echo", {"a": object()})

    @pytest.mark.parametrize(
        "seconds", [math.inf, -math.inf, math.nan, None, -1, -0.001, 10**400, "5", True], ids=str
    )
    async def test_wrong_timeout_is_an_error(self, seconds: Any) -> None:
        """A call refuses a timeout that is not a number of seconds, before anything is sent."""

        async def handler() -> None:
            called.append(1)

        called: list[int] = []
        await broadcast.subscribe("called", handler)
        for expect_answers in (True, False):
            with pytest.raises(ValueError, match=r"timeout .*number of seconds"):
                await broadcast.broadcast("called", expect_answers=expect_answers, timeout=seconds)
        with pytest.raises(ValueError, match=r"timeout .*number of seconds"):
            await broadcast.ask("called", handler, timeout=seconds)
        with pytest.raises(ValueError, match=r"timeout .*number of seconds"):
            await broadcast.decorate(handler, channel="decorated", expect_answers=True, timeout=seconds)
        assert called == []
        assert await broadcast.broadcast("decorated", expect_answers=True) == []

    async def test_timeout_of_zero_waits_for_nothing(self) -> None:
        """Zero is a number of seconds."""

        async def handler() -> None:
            await asyncio.sleep(60)

        await broadcast.subscribe("slow", handler)
        try:
            answers = await broadcast.broadcast("slow", expect_answers=True, timeout=0)
        except BroadcastUnavailable:
            return
        assert answers is not None
        assert all(isinstance(answer, MissingAnswer) for answer in answers)

    async def test_too_large_message_is_an_error(self) -> None:
        with pytest.raises(BroadcastError, match=f"at most {_codec.MAX_MESSAGE_BYTES}"):
            await broadcast.broadcast("echo", {"a": "x" * _codec.MAX_MESSAGE_BYTES})

    async def test_too_large_answer_is_a_failure(self) -> None:
        async def handler() -> str:
            return "x" * _codec.MAX_MESSAGE_BYTES

        await broadcast.subscribe("large", handler)
        (answer,) = await broadcast.broadcast("large", expect_answers=True) or []
        assert isinstance(answer, FailedAnswer)
        assert str(_codec.MAX_MESSAGE_BYTES) in answer.error

    async def test_handler_may_broadcast(self) -> None:
        async def outer(depth: int) -> Any:
            if not depth:
                return "bottom"
            return payloads(await broadcast.broadcast("deep", {"depth": depth - 1}, expect_answers=True))

        await broadcast.subscribe("deep", outer)
        calls = [broadcast.broadcast("deep", {"depth": 3}, expect_answers=True, timeout=5) for _ in range(20)]
        results = await asyncio.gather(*calls)
        assert [payloads(result) for result in results] == [[[[["bottom"]]]]] * 20

    async def test_a_slow_handler_delays_no_other(self) -> None:
        async def slow() -> None:
            await asyncio.sleep(30)

        await broadcast.subscribe("slow", slow)
        await broadcast.subscribe("echo", _echo)
        for _ in range(20):
            await broadcast.broadcast("slow")
        async with asyncio.timeout(30):
            assert payloads(await broadcast.broadcast("echo", expect_answers=True)) == [{}]

    async def test_a_blocking_handler_delays_no_other(self) -> None:
        released = threading.Event()

        def blocking() -> None:
            released.wait(60)

        call = await broadcast.decorate(blocking)
        await broadcast.subscribe("echo", _echo)
        await call()
        try:
            assert payloads(await broadcast.broadcast("echo", expect_answers=True, timeout=20)) == [{}]
        finally:
            released.set()

    async def test_the_request_travels(self) -> None:
        """The handler sees the id and the trace of the caller's request, in whichever process it runs."""

        async def handler() -> list[str | None]:
            return [current_request_id(), current_trace_id(), headers().get("traceparent")]

        await broadcast.subscribe("who", handler)
        traceparent = TraceParent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        with current(RequestContext("abc-123", traceparent)):
            answers = await broadcast.broadcast("who", expect_answers=True)
        assert payloads(answers) == [["abc-123", traceparent.trace_id, traceparent]]
        assert payloads(await broadcast.broadcast("who", expect_answers=True)) == [[None, None, None]]

    async def test_the_scope_stays(self) -> None:
        """A handler answers no request of its own: not that of the caller, nor that of another message."""

        async def handler() -> bool:
            return current_scope() is None

        await broadcast.subscribe("who", handler)
        with current(RequestContext("abc-123", scope={"path": "/"})):
            assert payloads(await broadcast.broadcast("who", expect_answers=True)) == [True]

    async def test_context_of_a_handler_is_its_own(self) -> None:
        variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

        async def handler() -> int:
            before = variable.get()
            variable.set(before + 1)
            return before

        await broadcast.subscribe("context", handler)
        for _ in range(2):
            assert payloads(await broadcast.broadcast("context", expect_answers=True)) == [0]

    async def test_decorated_types_travel(self) -> None:
        async def grow(*, box: Box, by: int = 1) -> list[Box]:
            assert isinstance(box, Box)
            return [Box(box.size + by)]

        call = await broadcast.decorate(grow, expect_answers=True)
        assert payloads(await call(box=Box(1))) == [[Box(2)]]
        assert payloads(await call(box=Box(1), by=5)) == [[Box(6)]]

    async def test_decorated_takes_keywords_only(self) -> None:
        async def function(number: int) -> int:
            return number

        call = await broadcast.decorate(function, expect_answers=True)
        with pytest.raises(TypeError, match="keyword"):
            await call(1)
        with pytest.raises(TypeError, match="missing"):
            await call()  # type: ignore[call-arg]  # the wrong call is the test
        assert payloads(await call(number=3)) == [3]

    async def test_decorated_answer_of_another_type_is_passed_on(self) -> None:
        async def function() -> int:
            return "text"  # type: ignore[return-value]  # the wrong value is the test

        call = await broadcast.decorate(function, expect_answers=True)
        assert payloads(await call()) == ["text"]

    async def test_queue_is_bounded(self) -> None:
        release = asyncio.Event()

        async def waiting() -> None:
            await release.wait()

        await broadcast.subscribe("waiting", waiting)
        await broadcast.subscribe("echo", _echo)
        for _ in range(4096):
            await broadcast.broadcast("waiting")
        (answer,) = await broadcast.broadcast("echo", expect_answers=True) or []
        assert isinstance(answer, FailedAnswer)
        assert answer.error.startswith("refused: 4096")
        release.set()

        async def accepted() -> bool:
            (again,) = await broadcast.broadcast("echo", expect_answers=True) or []
            return isinstance(again, BroadcastResponse)

        await eventually(accepted, what="an answer after the queue is empty")

    async def test_handlers_that_run_at_the_end_are_named_as_failed(self) -> None:
        started = asyncio.Event()

        async def slow() -> None:
            started.set()
            await asyncio.sleep(60)

        await broadcast.subscribe("slow", slow)
        call = asyncio.create_task(broadcast.broadcast("slow", expect_answers=True))
        await started.wait()
        await broadcast.shutdown()
        async with asyncio.timeout(30):
            (answer,) = await call or []
        assert isinstance(answer, FailedAnswer)
        assert "the process is shutting down" in answer.error

    async def test_function_of_many_blocking_calls_uses_few_threads(self) -> None:
        def blocking() -> int:
            time.sleep(0.01)
            return threading.active_count()

        call = await broadcast.decorate(blocking, expect_answers=True)
        before = threading.active_count()
        results = await asyncio.gather(*(call() for _ in range(50)))
        assert max(payloads(result)[0] for result in results) - before < 25
