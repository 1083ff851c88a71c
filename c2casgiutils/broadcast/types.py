"""What a broadcast gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel

from c2casgiutils._errors import C2cError

T = TypeVar("T")


class BroadcastResponse(BaseModel, Generic[T]):
    """The answer of one process."""

    hostname: str
    pid: int
    payload: T


@dataclass(frozen=True, slots=True)
class MissingAnswer:
    """A process that did not answer in time; who it was, when that is known."""

    hostname: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class FailedAnswer(MissingAnswer):
    """A process whose handler failed, or that refused to run it."""

    error: str = ""


class BroadcastError(C2cError):
    """A broadcast went wrong."""


class BroadcastUnavailable(BroadcastError):  # noqa: N818  # a public name
    """Not sent: Redis is away or refuses, or the broadcast does not run on this event loop."""


class MissingProcess(BaseModel):
    """A process that did not answer."""

    hostname: str | None = None
    pid: int | None = None


class FailedProcess(MissingProcess):
    """A process that answered with a failure."""

    error: str = ""


class ClusterReport(BaseModel):
    """How a change went through the cluster, as the tools' views tell it."""

    asked: int
    answered: int
    missing: list[MissingProcess]
    failed: list[FailedProcess]
    complete: bool

    @classmethod
    def alone(cls) -> Self:
        """Return the report of a process that did it by itself, and had no other one to ask."""
        return cls(asked=1, answered=1, missing=[], failed=[], complete=True)

    @property
    def result(self) -> str:
        """How it ended, in the words of the audit: `ok` or `partial`."""
        return "ok" if self.complete else "partial"

    @classmethod
    def of(cls, answers: "Sequence[BroadcastResponse[Any] | MissingAnswer] | None") -> Self:
        """Sum up the answers of a broadcast."""
        answers = answers or []
        failed = [a for a in answers if isinstance(a, FailedAnswer)]
        missing = [a for a in answers if isinstance(a, MissingAnswer) and not isinstance(a, FailedAnswer)]
        return cls(
            asked=len(answers),
            answered=len(answers) - len(missing) - len(failed),
            missing=[MissingProcess(hostname=a.hostname, pid=a.pid) for a in missing],
            failed=[FailedProcess(hostname=a.hostname, pid=a.pid, error=a.error) for a in failed],
            complete=not missing and not failed,
        )
