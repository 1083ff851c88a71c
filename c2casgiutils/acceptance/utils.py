"""Functions that wait, try again, and compare numbers."""

import asyncio
import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_TRY_SECONDS = 5.0


def wait_url(url: str, timeout: float = 60) -> None:
    """Wait until a GET is answered with a status of 200 to 299.

    Args:
        url: An http or https URL.
        timeout: Seconds.

    Raises:
        AssertionError: It was not answered so in time; the message has the last answer or error.
        ValueError: It is not an http or https URL.
    """
    from c2casgiutils.acceptance.connection import CacheExpected, Connection

    with Connection(url, cache_expected=CacheExpected.DONT_CARE, follow_redirects=True) as connection:
        retry_timeout(
            lambda: connection.get_raw(url, expected_status=range(200, 300), timeout=_TRY_SECONDS), timeout
        )


def retry_timeout(function: Callable[[], _Result], timeout: float = 60, interval: float = 0.5) -> _Result:
    """Call a function until it succeeds, and return its result.

    It fails while it raises, and while it returns a false value other than `None`: `False`, an empty list.

    Args:
        function: Called without arguments.
        timeout: Seconds. The function is called at least once, and is not interrupted.
        interval: Seconds between two calls.

    Raises:
        AssertionError: It did not succeed in time; caused by its last exception.
        NameError: There is a mistake in the function; raised at its first call.
        TypeError: The function is asynchronous.
    """
    if inspect.iscoroutinefunction(function):
        raise TypeError("The function is asynchronous: await async_retry_timeout(...)")
    pauses = _Pauses(timeout, interval)
    while True:
        try:
            return _successful(function())
        except NameError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever does not work yet
            pause = pauses.after(error)
        time.sleep(pause)


async def async_retry_timeout(
    function: Callable[[], Awaitable[_Result]], timeout: float = 60, interval: float = 0.5
) -> _Result:
    """Do the same as `retry_timeout` with an asynchronous function."""
    pauses = _Pauses(timeout, interval)
    while True:
        try:
            return _successful(await function())
        except NameError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever does not work yet
            pause = pauses.after(error)
        await asyncio.sleep(pause)


def retry(
    exceptions: type[Exception] | tuple[type[Exception], ...],
    tries: int = 3,
    delay: float = 0.5,
    backoff: float = 2,
) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Decorate a function, or an asynchronous one, to be called again after these exceptions.

    Args:
        exceptions: One or several types.
        tries: Maximum number of calls; the exception of the last one is raised.
        delay: Seconds between the first two calls.
        backoff: Each further delay is longer by this factor.

    Raises:
        ValueError: `tries` is less than 1.
    """
    if tries < 1:
        raise ValueError("tries must be at least 1")

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        @functools.wraps(function)
        def call(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            for pause in _delays(tries, delay, backoff):
                try:
                    return function(*args, **kwargs)
                except exceptions:
                    time.sleep(pause)
            return function(*args, **kwargs)

        @functools.wraps(function)
        async def call_async(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Any:
            for pause in _delays(tries, delay, backoff):
                try:
                    return await cast("Awaitable[Any]", function(*args, **kwargs))
                except exceptions:
                    await asyncio.sleep(pause)
            return await cast("Awaitable[Any]", function(*args, **kwargs))

        if inspect.iscoroutinefunction(function):
            return cast("Callable[_Parameters, _Result]", call_async)
        return call

    return decorate


def approx(structure: Any, **tolerance: Any) -> Any:
    """Return a structure that equals another whose floating-point numbers are about the same.

    `pytest.approx` does the same for flat ones: it refuses dictionaries and lists within others.

    Args:
        structure: Dictionaries, lists and tuples of any depth.
        tolerance: `rel` and `abs` of `pytest.approx`.
    """
    import pytest

    if isinstance(structure, dict):
        return {key: approx(value, **tolerance) for key, value in structure.items()}
    if isinstance(structure, list):
        return [approx(value, **tolerance) for value in structure]
    if isinstance(structure, tuple):
        return tuple(approx(value, **tolerance) for value in structure)
    return pytest.approx(structure, **tolerance) if isinstance(structure, float) else structure


class _Pauses:
    """The pauses between calls within a limited time."""

    def __init__(self, timeout: float, interval: float) -> None:
        self._timeout = timeout
        self._interval = interval
        self._end = time.monotonic() + timeout

    def after(self, error: Exception) -> float:
        """Return the pause after a call that failed.

        Raises:
            AssertionError: The time is over.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise AssertionError(
                f"No success within {self._timeout} s: {type(error).__name__}: {error}"
            ) from error
        return min(self._interval, left)


def _successful(result: _Result) -> _Result:
    if result is None or result:
        return result
    raise AssertionError(f"it returned {result!r}")


def _delays(tries: int, delay: float, backoff: float) -> Iterator[float]:
    return (delay * backoff**number for number in range(tries - 1))
