"""The profile of a block or a function."""

import asyncio
import cProfile
import logging
import pstats
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from c2casgiutils.profiling import Profile


def count(n: int) -> int:
    return sum(number for number in range(n))


async def count_twice(n: int) -> int:
    first = count(n)
    await asyncio.sleep(0)
    return first + count(n)


def calls(path: Path) -> dict[str, int]:
    """How often each function was called, by name."""
    stats = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]  # missing in the stub
    return {name: numbers[1] for (_, _, name), numbers in stats.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "of_the_test.prof"


def test_a_block(path: Path) -> None:
    with Profile(path):
        count(10)
        count(10)
    assert calls(path)["count"] == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_block_around_await(path: Path) -> None:
    with Profile(path):
        assert await count_twice(3) == 6
    assert calls(path)["count"] == 2


def test_a_function_keeps_its_name_and_result(path: Path) -> None:
    profiled = Profile(path)(count)
    assert (profiled(4), profiled.__name__) == (6, "count")
    assert calls(path)["count"] == 1


async def test_a_coroutine_function(path: Path) -> None:
    """It is still one, and what it awaits is profiled."""
    profiled = Profile(path)(count_twice)
    assert asyncio.iscoroutinefunction(profiled)
    assert await profiled(3) == 6
    assert calls(path)["count"] == 2


def test_runs_are_added(path: Path) -> None:
    """The second call does not overwrite the first one."""
    profiled = Profile(path)(count)
    for _ in range(3):
        profiled(3)
    assert calls(path)["count"] == 3


def test_a_block_that_raises_is_written(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Profile(path):
        count(1 // 0)
    assert path.exists()


def test_the_functions_are_printed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Profile(path, print_number=1):
        count(10)
    printed = capsys.readouterr().out
    assert "Ordered by: cumulative time" in printed
    assert "reduced from" in printed
    with Profile(path):
        count(10)
    assert capsys.readouterr().out == ""


def test_a_nested_profile_leaves_the_outer_one_intact(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The inner block has no profile, which is logged once; the outer one counts all calls."""
    inner = Profile(path.with_name("inner.prof"))
    with Profile(path) as outer:
        for _ in range(2):
            with inner:
                count(3)
        with outer:
            count(3)
        count(3)
    assert calls(path)["count"] == 4
    assert not inner.path.exists()
    assert [record.getMessage() for record in caplog.records if "inner.prof" in record.getMessage()] == [
        f"No profile for {inner.path}: another profiler is active"
    ]


def test_another_profiler_is_left_alone(path: Path) -> None:
    other = cProfile.Profile()
    other.enable()
    try:
        with Profile(path):
            count(3)
        count(3)
    finally:
        other.disable()
    assert not path.exists()
    stats = pstats.Stats(other).stats  # type: ignore[attr-defined]  # missing in the stub
    assert next(numbers[1] for (_, _, name), numbers in stats.items() if name == "count") == 2


async def test_calls_at_the_same_time(path: Path) -> None:
    """Calls that overlap all return; those that begin while another one is profiled have no profile."""
    profiled = Profile(path)(count_twice)
    assert await asyncio.gather(*(profiled(3) for _ in range(5))) == [6] * 5
    assert await profiled(3) == 6
    assert calls(path)["count"] >= 4


def test_threads(path: Path) -> None:
    """Threads that share a profile do not disturb each other."""
    profiled = Profile(path)(count)
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(profiled(1000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [count(1000)] * 8
    assert 1 <= calls(path)["count"] <= 8


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The function still returns its result."""
    missing = tmp_path / "missing" / "of_the_test.prof"
    assert Profile(missing)(count)(3) == 3
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.WARNING,
        f"The profile {missing} is not written: No such file or directory",
    )


def test_wrong_uses(path: Path) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later_numbers() -> AsyncIterator[int]:
        yield 1

    for function in (numbers, later_numbers):
        with pytest.raises(TypeError, match="is a generator function"):
            Profile(path)(function)
    with pytest.raises(ValueError, match="print_number must be 0 or more"):
        Profile(path, print_number=-1)
