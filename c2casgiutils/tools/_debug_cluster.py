"""Questions of the diagnostic views to one process, or to all of them."""

import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from fastapi import HTTPException, Query
from pydantic import BaseModel

from c2casgiutils import broadcast, instances
from c2casgiutils._outages import waiting
from c2casgiutils.broadcast.types import FailedProcess
from c2casgiutils.debug import BusyError

_LOGGER = logging.getLogger(__name__)

SELF = "self"
ALL = "all"
InstanceName = Annotated[str, Query(description=f"The id of a process, `{SELF}` or `{ALL}`.")]
"""The parameter `instance` of a view."""
_SECONDS = 2.0

_T = TypeVar("_T")


class _Busy(BaseModel, extra="forbid"):
    """The answer of a process that already runs such a diagnosis."""

    kind: Literal["busy"] = "busy"
    hostname: str
    pid: int
    text: str


class Found(NamedTuple, Generic[_T]):
    """What the processes answered.

    Attributes:
        answers: One for each process that answered.
        cluster: Which processes answered, failed (those that are busy, too) or are missing.
    """

    answers: list[_T]
    cluster: broadcast.ClusterReport


class Question(Generic[_T]):
    """A question that a view asks the processes that its parameter `instance` names.

    Args:
        channel: Name of the channel.
        collect: Answers for this process; its keyword parameters are those of `ask`. It must ignore unknown
            ones, which a newer release may send. A `BusyError` that it raises is not logged as a failure.
        answer: The model that it returns.
        with_blocked: A thread answers while the event loop of a process is blocked, so such processes are
            asked, too, although they may be lost.
    """

    def __init__(
        self,
        channel: str,
        collect: Callable[..., Awaitable[_T]],
        answer: type[_T],
        *,
        with_blocked: bool = False,
    ) -> None:
        self._channel = channel
        self._collect = collect
        self._answer: Any = _Busy | answer
        self._with_blocked = with_blocked

    async def subscribe(self) -> None:
        """Answer other processes; called when the process starts."""
        try:
            await broadcast.subscribe(self._channel, self._reply)
        except broadcast.BroadcastError:
            _LOGGER.exception("Questions of other processes on %s will not be answered", self._channel)

    async def ask(self, instance: str, *, seconds: float = _SECONDS, **params: Any) -> Found[_T]:
        """Return the answers of the named processes.

        Without Redis, or while it is unreachable, `all` is this process alone.

        Args:
            instance: `self`, `all`, or the id of a process.
            seconds: Maximum time to wait.
            params: The parameters of the question.

        Raises:
            HTTPException: 404 for an unknown id.
            UnseenInstanceError: It cannot be told now whether there is such a process; 503.
            BusyError: All processes that were asked already run such a diagnosis; 409.
        """
        if instance in (SELF, instances.own_id()):
            return Found([await self._collect(**params)], broadcast.ClusterReport.alone())
        to = None if instance == ALL else [await _known(instance, with_lost=self._with_blocked)]
        with waiting(seconds) as limit:
            reply = await broadcast.ask(
                self._channel,
                self._reply,
                params,
                timeout=limit,
                or_alone=to is None,
                to=to,
                answer=self._answer,
                with_blocked=self._with_blocked,
            )
        return _sort(reply)

    async def _reply(self, **params: Any) -> "_T | _Busy":
        try:
            return await self._collect(**params)
        except BusyError as error:
            return _Busy(hostname=socket.gethostname(), pid=os.getpid(), text=str(error))


async def _known(id_: str, *, with_lost: bool) -> str:
    try:
        return (await instances.find(id_, with_lost=with_lost)).id
    except instances.UnknownInstanceError as error:
        raise HTTPException(404, str(error)) from error


def _sort(reply: broadcast.Reply) -> Found[Any]:
    """Separate the answers from processes that are busy."""
    busy = [answer for answer in reply.payloads if isinstance(answer, _Busy)]
    answers = [answer for answer in reply.payloads if not isinstance(answer, _Busy)]
    if not busy:
        return Found(answers, reply.report)
    if not answers and len(busy) == reply.report.asked:
        raise BusyError(busy[0].text)
    report = reply.report
    failed = [FailedProcess(hostname=one.hostname, pid=one.pid, error=one.text) for one in busy]
    changes = {"answered": report.answered - len(busy), "failed": report.failed + failed, "complete": False}
    return Found(answers, report.model_copy(update=changes))


def one_answer(found: Found[_T]) -> _T:
    """Return the answer of the only process that was asked.

    Raises:
        HTTPException: 504 if it did not answer or failed.
    """
    if found.answers:
        return found.answers[0]
    why = [process.error for process in found.cluster.failed]
    why += [process.reason or "timeout" for process in found.cluster.missing]
    raise HTTPException(504, f"The process gave no answer ({', '.join(why)})")
