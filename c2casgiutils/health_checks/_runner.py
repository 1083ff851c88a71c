"""Runs the checks, on request and in the background.

A check runs once at a time and for a limited time, and its result is cached for a while.
"""

import asyncio
import collections
import dataclasses
import datetime
import inspect
import logging
import random
import time
from collections.abc import Callable
from typing import Any

from c2casgiutils import config
from c2casgiutils._process import PerLoop
from c2casgiutils._tasks import Failure, contained
from c2casgiutils.health_checks import _outcome
from c2casgiutils.health_checks._model import Check, EntityResult, Options, Status
from c2casgiutils.health_checks._outcome import Outcome
from c2casgiutils.request_tracking import create_detached_task

_LOGGER = logging.getLogger(__name__)
_MAX_HISTORY = 60

Sample = tuple[datetime.datetime, Status, float]
"""The end of a run, its state, and its duration in milliseconds."""

_GRACE_SECONDS = 0.05  # time for a cancelled check to clean up


class _Runs:
    """The run in progress on one event loop: the future that requests wait for, and the task of the check."""

    def __init__(self) -> None:
        self.flight: asyncio.Task[None] | None = None
        self.run: asyncio.Task[Any] | None = None


class Entry:
    """A check with its options, its last outcome and the run in progress.

    Concurrent callers share one run, which continues if a caller is cancelled.

    Args:
        check: The check.
        options: How it is run.
        limit: Returns the semaphore of the running event loop that limits concurrent runs of all checks.
        listener: Called after each run with the entry, the previous outcome and the new one.
    """

    def __init__(
        self,
        check: Check,
        options: Options,
        limit: Callable[[], asyncio.Semaphore],
        listener: Callable[["Entry", Outcome | None, Outcome], None],
    ) -> None:
        self.check = check
        self.options = options
        self.last: Outcome | None = None
        self.backgrounds = 0
        self.history: collections.deque[Sample] = collections.deque(maxlen=_MAX_HISTORY)
        self._limit = limit
        self._listener = listener
        self._runs = PerLoop(_Runs)

    @property
    def name(self) -> str:
        """The name under which the check was registered."""
        return self.options.name

    @property
    def in_background(self) -> bool:
        """Return whether the check runs in the background, on any event loop."""
        return self.backgrounds > 0

    @property
    def timeout(self) -> float:
        """The maximum duration of a run, in seconds."""
        return (self.options.timeout or config.settings.health.timeout).total_seconds()

    @property
    def kept(self) -> float:
        """The time for which an outcome is cached, in seconds."""
        if self.options.every is not None:
            # after three missed runs the background task must be gone, and the outcome is too old
            return 3 * self.options.every.total_seconds() + self.timeout
        ttl = config.settings.health.ttl if self.options.ttl is None else self.options.ttl
        return ttl.total_seconds()

    def fresh(self) -> Outcome | None:
        """Return the last outcome if it is still valid; a first background run is not waited for."""
        last = self.last
        if last is None and self.in_background:
            return _outcome.UNKNOWN
        if last is None or time.monotonic() - last.at > self.kept:
            return None
        return last

    async def refresh(self) -> None:
        """Run the check, or join the run in progress."""
        runs = self._runs.get()
        flight = runs.flight
        if flight is None or flight.done():
            flight = runs.flight = asyncio.create_task(self._fly(), name=f"c2c-health-{self.name}")
        await asyncio.shield(flight)

    async def aclose(self) -> None:
        """Cancel the run in progress, and wait briefly for its end."""
        runs = self._runs.get()
        tasks = [task for task in (runs.flight, runs.run) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    def entity(self, outcome: Outcome, *, details: bool) -> EntityResult:
        """Return the public form of an outcome."""
        return EntityResult(**self.fields(outcome, details=details))

    def fields(self, outcome: Outcome, *, details: bool) -> dict[str, Any]:
        """Return the fields of `EntityResult`, without the cost of creating the model."""
        return {
            "name": self.options.name,
            "tags": self.options.tags,
            "status_code": outcome.status_code,
            "payload": outcome.details if details else {},
            "time_taken": outcome.seconds,
            "status": outcome.status,
            "level": self.options.level,
            "severity": self.options.severity,
            "age": None if outcome is _outcome.UNKNOWN else max(0.0, time.monotonic() - outcome.at),
        }

    async def _fly(self) -> None:
        async with self._limit():
            outcome = await self._bounded()
        before = self.last
        same = before is not None and before.status == outcome.status
        outcome = dataclasses.replace(outcome, since=before.since if before and same else outcome.at)
        self.last = outcome
        self.history.append((outcome.when, outcome.status, outcome.milliseconds))
        try:
            self._listener(self, before, outcome)
        except Exception:
            _LOGGER.exception("Could not report the result of the health check %s", self.name)

    async def _bounded(self) -> Outcome:
        if self._is_stuck():
            return Outcome(
                "fail", 500, 0.0, {"error": "timeout"}, message="The previous run has not ended yet"
            )
        started = time.monotonic()
        timeout = self.timeout
        self.check.doing = None
        run = self._runs.get().run = asyncio.create_task(
            contained(self._call()), name=f"c2c-health-run-{self.name}"
        )
        try:
            await asyncio.wait({run}, timeout=timeout)
            doing = self.check.doing
            if not run.done():
                run.cancel()
                await asyncio.wait({run}, timeout=_GRACE_SECONDS)
                return _outcome.of_timeout(timeout, doing, time.monotonic() - started)
        except asyncio.CancelledError:
            run.cancel()
            await asyncio.wait({run}, timeout=1)
            raise
        seconds = time.monotonic() - started
        # a check that cancels itself has failed; if the process is ending, this task is cancelled, too
        result = (
            Failure(asyncio.CancelledError("The check was cancelled")) if run.cancelled() else run.result()
        )
        if isinstance(result, Failure):
            return _outcome.of_exception(result.error, seconds, self.check.secrets)
        return _outcome.of_result(result, seconds, self.check.secrets)

    async def _call(self) -> Any:
        function = self.check.check
        if inspect.iscoroutinefunction(function):
            return await function()
        result = await self.check.in_thread(function)
        return await result if inspect.isawaitable(result) else result

    def _is_stuck(self) -> bool:
        run = self._runs.get().run
        return self.check.is_blocked() or (run is not None and not run.done())


class Background:
    """Runs background checks at their intervals, each in its own task, until it is closed."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], Entry] = {}

    def add(self, entry: Entry) -> None:
        """Start running a check, if it is a background check."""
        every = entry.options.every
        if every is None:
            return
        entry.backgrounds += 1
        task = create_detached_task(_repeat(entry, every), name=f"c2c-health-every-{entry.name}")
        self._tasks[task] = entry

    async def aclose(self) -> None:
        """Cancel all tasks and wait for them."""
        tasks, self._tasks = self._tasks, {}
        for task, entry in tasks.items():
            entry.backgrounds -= 1
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(entry: Entry, every: datetime.timedelta) -> None:
    seconds = every.total_seconds()
    await entry.refresh()
    # spreads the runs of processes that were started at the same time
    await asyncio.sleep(seconds * random.uniform(0.1, 1))  # noqa: S311  # no secret
    while True:
        await entry.refresh()
        await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311  # no secret


def to_seconds(value: float | datetime.timedelta | None, what: str) -> datetime.timedelta | None:
    """Convert a duration given in seconds or as a timedelta.

    Raises:
        ValueError: The duration is negative, or zero where this is not allowed.
        TypeError: It is neither a number nor a timedelta.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | datetime.timedelta):
        raise TypeError(f"{what} of a health check must be a number of seconds or a timedelta, got {value!r}")
    try:
        duration = value if isinstance(value, datetime.timedelta) else datetime.timedelta(seconds=value)
    except (OverflowError, ValueError):  # the latter for NaN
        raise ValueError(f"{what} of a health check is not a valid duration: {value!r}") from None
    if duration < datetime.timedelta() or (what != "ttl" and not duration):
        raise ValueError(f"{what} of a health check must be positive, got {value!r}")
    return duration
