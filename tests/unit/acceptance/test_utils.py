"""Waiting, trying again, and comparing numbers."""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest

from c2casgiutils.acceptance import approx, async_retry_timeout, retry, retry_timeout

Point = namedtuple("Point", "x y")  # noqa: PYI024  # the untyped form


class Failing:
    """A function that fails a few times."""

    def __init__(self, *outcomes: Any) -> None:
        self._outcomes = list(outcomes)
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def call_async(self) -> Any:
        return self()


@pytest.mark.parametrize(
    ("outcomes", "calls", "result"),
    [
        ((1,), 1, 1),
        ((None,), 1, None),
        ((LookupError(), AssertionError(), 2), 3, 2),
        ((False, 0, "", [], {}, [1]), 6, [1]),
    ],
)
async def test_until_it_succeeds(outcomes: tuple[Any, ...], calls: int, result: Any) -> None:
    """An exception and a false value that is not `None` lead to another call."""
    function, other = Failing(*outcomes), Failing(*outcomes)
    assert retry_timeout(function, interval=0.001) == result
    assert await async_retry_timeout(other.call_async, interval=0.001) == result
    assert function.calls == other.calls == calls


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (LookupError("gone"), r"No success within 0.05 s: LookupError: gone"),
        (False, r"No success within 0.05 s: AssertionError: it returned False"),
    ],
)
async def test_it_never_succeeds(outcome: Any, message: str) -> None:
    """The message has the last failure, which is its cause."""
    function = Failing(outcome)
    with pytest.raises(AssertionError, match=message) as raised:
        retry_timeout(function, timeout=0.05, interval=0.01)
    assert function.calls > 1
    assert raised.value.__cause__ is not None
    with pytest.raises(AssertionError, match=message):
        await async_retry_timeout(function.call_async, timeout=0.05, interval=0.01)


def test_one_call_at_least() -> None:
    assert retry_timeout(Failing(1), timeout=0) == 1


async def test_mistakes_are_not_tried_again() -> None:
    """An unknown name in the function is raised at once."""
    function = Failing(NameError("x"), 1)
    with pytest.raises(NameError):
        retry_timeout(function)
    with pytest.raises(NameError):
        await async_retry_timeout(Failing(NameError("x"), 1).call_async)
    assert function.calls == 1
    with pytest.raises(TypeError, match="async_retry_timeout"):
        _ = retry_timeout(function.call_async)


@pytest.mark.parametrize(("failures", "tries"), [(0, 1), (1, 2), (2, 3)])
async def test_retry(failures: int, tries: int) -> None:
    """A decorated function, or an asynchronous one, is called until it raises none of the exceptions."""
    outcomes = [*(LookupError() for _ in range(failures)), "result"]
    function, other = Failing(*outcomes), Failing(*outcomes)
    decorate = retry((KeyError, LookupError), tries=tries, delay=0.001)

    @decorate
    def call(text: str) -> str:
        return f"{text}{function()}"

    @decorate
    async def call_async(text: str) -> str:
        return f"{text}{await other.call_async()}"

    assert call("a ") == await call_async(text="a ") == "a result"
    assert function.calls == other.calls == failures + 1
    assert (call.__name__, call_async.__name__) == ("call", "call_async")


@pytest.mark.parametrize(("raised", "calls"), [(KeyError("last"), 3), (ValueError("other"), 1)])
async def test_retry_ends(raised: Exception, calls: int) -> None:
    """The last exception is raised, and one of another type at once."""
    function, other = Failing(raised), Failing(raised)
    decorate: Callable[[Callable[[], Any]], Callable[[], Any]] = retry(KeyError, delay=0.001)
    with pytest.raises(type(raised)):
        decorate(function.__call__)()
    with pytest.raises(type(raised)):
        await decorate(other.call_async)()
    assert function.calls == other.calls == calls


@pytest.mark.parametrize("tries", [0, -1])
def test_retry_needs_a_try(tries: int) -> None:
    with pytest.raises(ValueError, match="tries must be at least 1"):
        retry(KeyError, tries=tries)


@pytest.mark.parametrize(
    ("value", "expected", "equal"),
    [
        (0.1 + 0.2, 0.3, True),
        ({"a": [{"b": (0.1 + 0.2, "c", 1, None)}]}, {"a": [{"b": (0.3, "c", 1, None)}]}, True),
        ({"a": [0.31]}, {"a": [0.3]}, False),
        ({"a": 0.3, "b": 1}, {"a": 0.3}, False),
        ([0.3], (0.3,), False),
        (["0.3"], ["0.3"], True),
        ([True, 1], [True, 2], False),
        ({"a": float("nan")}, {"a": float("nan")}, False),
    ],
)
def test_approx(value: Any, expected: Any, equal: bool) -> None:
    """Numbers are about the same at any depth; all else is equal."""
    assert (value == approx(expected)) is equal


def test_the_tolerance_of_approx() -> None:
    assert approx({"a": [1.0]}, rel=0.1) == {"a": [1.05]}
    assert approx({"a": [1.0]}, abs=0.01) != {"a": [1.05]}


def test_named_tuples() -> None:
    assert Point(0.1 + 0.2, 1) == approx(Point(0.3, 1))
