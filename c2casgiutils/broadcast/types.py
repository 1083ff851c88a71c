"""The results of a broadcast."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, Field

from c2casgiutils._errors import C2cError
from c2casgiutils._outages import RedisUnavailableError

T = TypeVar("T")

Reason = Literal["timeout", "unreachable", "left"]
"""Why an answer is missing: silent until the timeout, not connected to Redis, or no longer in the roster."""


class BroadcastResponse(BaseModel, Generic[T]):
    """The answer of one process."""

    hostname: str
    pid: int
    payload: T


@dataclass(frozen=True, slots=True)
class MissingAnswer:
    """A process that did not answer, why, and which one it was if known."""

    hostname: str | None = None
    pid: int | None = None
    reason: Reason | None = field(default="timeout", kw_only=True)


@dataclass(frozen=True, slots=True)
class FailedAnswer(MissingAnswer):
    """A process whose handler failed or which refused to run it; `error` says why, `reason` is `None`."""

    error: str = ""
    reason: Reason | None = field(default=None, kw_only=True)


class BroadcastError(C2cError):
    """A broadcast failed."""


class BroadcastUnavailable(RedisUnavailableError, BroadcastError):  # noqa: N818  # a public name
    """Not sent: Redis is unreachable or refuses, or the broadcast is not started on this event loop.

    A view that does not catch it answers 503.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, "Redis cannot be reached: the processes were not asked")


class Process(BaseModel):
    """Identifies a process; both fields are `None` for one known only from the number of subscribers."""

    hostname: str | None = None
    pid: int | None = None


class MissingProcess(Process):
    """A process that did not answer."""

    reason: Reason | None = "timeout"


class FailedProcess(Process):
    """A process that answered with an error."""

    error: str = ""


class LostProcess(Process):
    """A process that ended without a clean shutdown."""

    since: datetime.datetime = Field(description="time of its last heartbeat, by the clock of Redis")


class ClusterReport(BaseModel):
    """How a change was carried out in the cluster, as reported by the views of the tools."""

    asked: int
    answered: int
    missing: list[MissingProcess]
    failed: list[FailedProcess]
    lost: list[LostProcess] = Field(
        default=[],
        description="ended without a clean shutdown in the last 15 minutes; neither asked nor counted",
    )
    complete: bool
    roster: Literal["current", "stale"] = Field(
        default="current", description="`stale` while the processes of the service are not known for certain"
    )

    @classmethod
    def alone(cls) -> Self:
        """Return the report of a single process that had no others to ask."""
        return cls(asked=1, answered=1, missing=[], failed=[], complete=True)

    @property
    def result(self) -> str:
        """The result as the audit log names it: `ok` or `partial`."""
        return "ok" if self.complete else "partial"

    @classmethod
    def of(
        cls,
        answers: "Sequence[BroadcastResponse[Any] | MissingAnswer] | None",
        *,
        lost: Sequence[LostProcess] = (),
        roster: Literal["current", "stale"] = "current",
    ) -> Self:
        """Summarise the answers of a broadcast.

        Args:
            answers: What `broadcast` returned.
            lost: The processes that were lost recently.
            roster: `stale` if the processes of the service were not known for certain; the report is then
                incomplete.
        """
        answers = answers or []
        failed = [a for a in answers if isinstance(a, FailedAnswer)]
        missing = [a for a in answers if isinstance(a, MissingAnswer) and not isinstance(a, FailedAnswer)]
        return cls(
            asked=len(answers),
            answered=len(answers) - len(missing) - len(failed),
            missing=[MissingProcess(hostname=a.hostname, pid=a.pid, reason=a.reason) for a in missing],
            failed=[FailedProcess(hostname=a.hostname, pid=a.pid, error=a.error) for a in failed],
            lost=list(lost),
            complete=not missing and not failed and roster == "current",
            roster=roster,
        )
