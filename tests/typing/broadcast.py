"""What a type checker sees of `broadcast.decorate` and `broadcast.decorator`; checked, never run."""

from typing import Any, assert_type

from c2casgiutils import broadcast
from c2casgiutils.broadcast import BroadcastResponse, MissingAnswer


async def _coroutine(*, number: int) -> str:
    return str(number)


def _plain(*, number: int) -> str:
    return str(number)


@broadcast.decorator(expect_answers=True)
async def _asked(*, number: int) -> str:
    return str(number)


@broadcast.decorator("channel", expect_answers=True, timeout=1)
def _threaded(*, number: int) -> str:
    return str(number)


@broadcast.decorator()
async def _told(*, number: int) -> str:
    return str(number)


async def check() -> None:
    """The result has the type of the function's result, or is `None` without answers."""
    asked = await broadcast.decorate(_coroutine, expect_answers=True)
    assert_type(await asked(number=1), list[BroadcastResponse[str] | MissingAnswer])
    threaded = await broadcast.decorate(_plain, "channel", expect_answers=True, timeout=1)
    assert_type(await threaded(number=1), list[BroadcastResponse[str] | MissingAnswer])
    told = await broadcast.decorate(_coroutine)
    assert_type(await told(number=1), None)
    await told(number="1")  # type: ignore[arg-type]  # the wrong type is the test
    assert_type(await _asked(number=1), list[BroadcastResponse[str] | MissingAnswer])
    assert_type(await _threaded(number=1), list[BroadcastResponse[str] | MissingAnswer])
    assert_type(await _told(number=1), None)
    answers = await broadcast.broadcast("channel", expect_answers=True)
    assert_type(answers, list[BroadcastResponse[Any] | MissingAnswer] | None)
