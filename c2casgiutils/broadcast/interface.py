"""The interface of every broadcaster."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from c2casgiutils import instances
from c2casgiutils._numbers import check_seconds
from c2casgiutils.broadcast import _codec, _metrics
from c2casgiutils.broadcast._handlers import Callback, Handlers, Outcome
from c2casgiutils.broadcast.types import (
    BroadcastError,
    BroadcastResponse,
    ClusterReport,
    FailedAnswer,
    LostProcess,
    MissingAnswer,
    Reason,
)

Answer = BroadcastResponse[Any] | MissingAnswer


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to a call, and what was known about the processes that were asked."""

    answers: Sequence[Answer]
    lost: Sequence[LostProcess] = ()
    roster: Literal["current", "stale"] = "current"

    @property
    def report(self) -> ClusterReport:
        """Return which processes answered, failed, are missing or lost."""
        return ClusterReport.of(self.answers, lost=self.lost, roster=self.roster)


class BaseBroadcaster(ABC):
    """Sends messages to the handlers of all processes, and collects their answers."""

    def __init__(self, callbacks: dict[str, Callback] | None = None) -> None:
        self.handlers: Handlers = Handlers(callbacks)

    @property
    @abstractmethod
    def is_started(self) -> bool:
        """Return whether the broadcaster is started and has not ended since."""

    @abstractmethod
    async def init(self) -> None:
        """Start on the running event loop."""

    @abstractmethod
    async def subscribe(self, channel: str, callback: Callback) -> None:
        """Subscribe to a channel; a channel has one callback.

        Args:
            channel: Name of the channel.
            callback: A coroutine function, called with the parameters of each message as keywords; its return
                value is the answer of this process.
        """

    @abstractmethod
    async def unsubscribe(self, channel: str) -> None:
        """Remove the callback of a channel; an unknown channel is ignored."""

    @abstractmethod
    async def send(self, channel: str, payload: bytes, *, timeout: float) -> None:
        """Send a message whose parameters are already JSON, without waiting for answers."""

    @abstractmethod
    async def ask(
        self,
        channel: str,
        payload: bytes,
        *,
        timeout: float,
        to: Collection[str] | None = None,
        decode: Callable[[bytes], Any] = _codec.decode,
        with_blocked: bool = False,
    ) -> Answers:
        """Send a message whose parameters are already JSON, and collect the answers.

        Args:
            channel: Name of the channel.
            payload: The parameters.
            timeout: Maximum time to wait, in seconds.
            to: The ids of the instances that run the handlers; all by default. The others ignore the message.
            decode: Decodes the payload of an answer.
            with_blocked: Also ask the deputies, and wait for processes that are lost but connected.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Cancel all tasks, close all connections, and wait for both."""

    @abstractmethod
    def abort(self) -> None:
        """Cancel all tasks and close all connections without waiting."""

    async def broadcast(
        self,
        channel: str,
        params: Mapping[str, Any] | None = None,
        expect_answers: bool = False,
        timeout: float = 10,
    ) -> list[Answer] | None:
        """Send a message to the handlers of the channel in all processes, this one included.

        Args:
            channel: Name of the channel.
            params: Keyword parameters of the handlers; any values that pydantic can serialise.
            expect_answers: Wait for the answers.
            timeout: Maximum time to wait, in seconds.

        Returns:
            `None` without `expect_answers`, otherwise the answers, followed by a `MissingAnswer` (or
            `FailedAnswer`) for each process that should have answered and did not; `[]` if there is no
            subscriber.

        Raises:
            BroadcastUnavailable: The message could not be sent.
            BroadcastError: The parameters cannot be sent or are too large.
            ValueError: The timeout is not a number of seconds.
        """
        check_seconds(timeout, "timeout")
        payload = encode(channel, params)
        return await self.request(channel, payload, expect_answers=expect_answers, timeout=timeout)

    async def request(
        self,
        channel: str,
        payload: bytes,
        *,
        expect_answers: bool,
        timeout: float,
        decode: Callable[[bytes], Any] = _codec.decode,
    ) -> list[Answer] | None:
        """Send a message whose parameters are already JSON; see `broadcast`."""
        if not expect_answers:
            await self.send(channel, payload, timeout=timeout)
            return None
        return list((await self.ask(channel, payload, timeout=timeout, decode=decode)).answers)


def encode(channel: str, params: Mapping[str, Any] | None) -> bytes:
    """Return the parameters of a message as JSON.

    Raises:
        BroadcastError: The parameters cannot be sent or are too large.
    """
    try:
        return _codec.check_size(_codec.encode(dict(params or {})))
    except _codec.CodecError as error:
        raise BroadcastError(f"broadcast to {channel!r}: {error}") from error


def missing(instance_id: str, reason: Reason = "left") -> MissingAnswer:
    """Return a missing answer for an instance of which only the id is known."""
    hostname, pid = instances.read_id(instance_id)
    return MissingAnswer(hostname, pid, reason=reason)


def make_answer(hostname: str, pid: int, outcome: Outcome, decode: Callable[[bytes], Any]) -> Answer:
    """Convert the outcome in one process to the answer that the caller gets."""
    error = outcome.error
    if error is None:
        try:
            payload = decode(outcome.data)
        except _codec.CodecError as codec_error:
            error = f"invalid answer: {codec_error}"
        else:
            _metrics.count("answers")
            return BroadcastResponse.model_construct(hostname=hostname, pid=pid, payload=payload)
    _metrics.count("failed")
    return FailedAnswer(hostname, pid, error=error)
