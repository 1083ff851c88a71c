"""What a type checker sees of `broadcast.decorate`; checked, never run."""

from typing import Any, assert_type

from c2casgiutils import broadcast
from c2casgiutils.broadcast import BroadcastResponse, MissingAnswer


async def _coroutine(*, number: int) -> str:
    return str(number)


def _plain(*, number: int) -> str:
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
    answers = await broadcast.broadcast("channel", expect_answers=True)
    assert_type(answers, list[BroadcastResponse[Any] | MissingAnswer] | None)
