"""The model of checks and their results."""

import abc
import asyncio
import datetime
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field

from c2casgiutils._errors import C2cError
from c2casgiutils._threads import run_in_thread

_T = TypeVar("_T")

Status = Literal["pass", "warn", "fail", "skip", "unknown"]
Severity = Literal["critical", "degrading", "info"]


class Result(BaseModel):
    """The result of one run of a check.

    `status_code` from 200 to 399 means success. `payload` is a JSON object, shown to callers with read-only
    access. `status` is only needed for states that a code cannot express: `warn` (works, but needs
    attention), `skip` (nothing to check: not configured).
    """

    status_code: int = 200
    payload: dict[str, Any] = {}
    status: Literal["pass", "warn", "fail", "skip"] | None = None


class EntityResult(BaseModel):
    """The state of one check.

    `time_taken` is the duration of the run and `age` the time since its end, both in seconds; `age` is null
    if the check has not run yet.
    """

    name: str
    tags: list[str] = []
    status_code: int = 200
    payload: dict[str, Any] = {}
    time_taken: float = 0.0
    status: Status = "pass"
    level: int = 1
    severity: Severity = "critical"
    age: float | None = None


class GlobalResult(BaseModel):
    """The state of the selected checks; `status_code` is the worst one, `time_taken` is in seconds."""

    status_code: int = 200
    time_taken: float = 0.0
    entities: list[EntityResult] = []


class JsonCheckError(C2cError):
    """A check failed and has data to show.

    Args:
        message: What is wrong, for callers with read-only access.
        payload: Any JSON value, shown beside the message.
    """

    def __init__(self, message: str, payload: Any = None) -> None:
        super().__init__(message)
        self.payload = payload


class Check(abc.ABC):
    """A check: derive from it and implement `check`.

    `check` may also be a plain function, which runs in a thread. It fails by raising, or with a status code
    of 400 or more. At most one run is in progress in a process; its duration is limited, and it is cancelled
    at the timeout.

    Args:
        tags: Tags to select checks by.
    """

    doing: str | None = None
    """What the check is waiting for, reported in case of a timeout."""
    secrets: Sequence[str] = ()
    """Strings that must not appear in a response or a log line."""
    is_replaceable: bool = False
    """Something else takes over when this fails, so a failure counts as degrading at most."""
    suffix: str = ""
    """Added to the name that is given for a check of several parts."""
    _threads_ended: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, threading.Event] | None" = None

    def __init__(self, tags: list[str] | None = None) -> None:
        if isinstance(tags, str):
            raise TypeError(f"tags of a health check is a list of strings, got the string {tags!r}")
        self._tags = list(tags or [])
        of_class = getattr(type(self), "tags", None)  # a class may define its own tags
        if of_class is None or (tags is not None and not isinstance(of_class, property)):
            self.tags: list[str] = self._tags
        if not hasattr(type(self), "name"):  # a class may define its own name
            self.name: str = type(self).__name__

    def parts(self) -> "Sequence[Check]":
        """Return the checks to register in place of this one; several have different names."""
        return [self]

    async def in_thread(self, function: Callable[[], _T]) -> _T:
        """Run blocking work in a thread; the check does not run again before it has ended.

        Raises:
            Exception: What the function raised.
        """
        if self._threads_ended is None:
            self._threads_ended = weakref.WeakKeyDictionary()
        ended = self._threads_ended[asyncio.get_running_loop()] = threading.Event()
        return await run_in_thread(function, name="c2c-health", on_end=ended.set)

    def is_blocked(self) -> bool:
        """Return whether a thread of an earlier run on this event loop is still busy."""
        if self._threads_ended is None:
            return False
        ended = self._threads_ended.get(asyncio.get_running_loop())
        return ended is not None and not ended.is_set()

    @abc.abstractmethod
    async def check(self) -> Result:
        """Run the check once."""


class Wrong(Check):
    """Always fails with the status code 500, to test the monitoring."""

    async def check(self) -> Result:
        """Return the failure."""
        return Result(status_code=500, payload={"message": "This check always fails"})


class Options(BaseModel):
    """How a check is run and what its state means; see `Factory.add`."""

    name: str = Field(min_length=1)
    tags: list[str] = []
    level: int = Field(default=1, ge=0)
    timeout: datetime.timedelta | None = None
    ttl: datetime.timedelta | None = None
    every: datetime.timedelta | None = None
    severity: Severity = "critical"
    groups: frozenset[str] = frozenset()
