"""What every broadcaster can do."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from c2casgiutils import instances
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

_SHOWN_CHARACTERS = 20

Answer = BroadcastResponse[Any] | MissingAnswer


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of a question, and what was known of the processes that were asked."""

    answers: Sequence[Answer]
    lost: Sequence[LostProcess] = ()
    roster: Literal["current", "stale"] = "current"

    @property
    def report(self) -> ClusterReport:
        """Return who answered, failed, is missing or lost."""
        return ClusterReport.of(self.answers, lost=self.lost, roster=self.roster)


class BaseBroadcaster(ABC):
    """Sends messages to the handlers of all processes, and collects their answers."""

    def __init__(self, callbacks: dict[str, Callback] | None = None) -> None:
        self.handlers = Handlers(callbacks)

    @property
    @abstractmethod
    def is_started(self) -> bool:
        """Return whether `init` was called and nothing ended it since."""

    @abstractmethod
    async def init(self) -> None:
        """Start on the running event loop."""

    @abstractmethod
    async def subscribe(self, channel: str, callback: Callback) -> None:
        """Call the callback with the parameters (as keywords) of each message; one callback per channel.

        Args:
            channel: Name of the channel.
            callback: A coroutine function; what it returns is the answer of this process.
        """

    @abstractmethod
    async def unsubscribe(self, channel: str) -> None:
        """Remove the callback of a channel; an unknown channel is no error."""

    @abstractmethod
    async def send(self, channel: str, payload: bytes, *, timeout: float) -> None:
        """Send a message whose parameters are JSON already, without waiting for answers."""

    @abstractmethod
    async def ask(
        self,
        channel: str,
        payload: bytes,
        *,
        timeout: float,
        to: Collection[str] | None = None,
        decode: Callable[[bytes], Any] = _codec.decode,
    ) -> Answers:
        """Send a message whose parameters are JSON already, and collect the answers.

        Args:
            channel: Name of the channel.
            payload: The parameters.
            timeout: Seconds to wait at most.
            to: The ids of the instances that run it; others ignore it. All by default.
            decode: Reads an answer.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End every task and connection."""

    @abstractmethod
    def abort(self) -> None:
        """End everything at once, without waiting."""

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
            params: Keyword parameters of the handlers, anything that pydantic can serialise.
            expect_answers: Wait for the answers.
            timeout: Seconds to wait at most.

        Returns:
            `None` without `expect_answers`, else the answers, and a `MissingAnswer` (or `FailedAnswer`) for
            each process that should have answered and did not; `[]` when nobody subscribed.

        Raises:
            BroadcastUnavailable: The message could not be sent.
            BroadcastError: The parameters cannot be sent or are too large.
            ValueError: The timeout is not a number of seconds.
        """
        check_timeout(timeout)
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
        """Send a message whose parameters are JSON already; see `broadcast`."""
        if not expect_answers:
            await self.send(channel, payload, timeout=timeout)
            return None
        return list((await self.ask(channel, payload, timeout=timeout, decode=decode)).answers)


def encode(channel: str, params: Mapping[str, Any] | None) -> bytes:
    """Return the parameters of a message as JSON.

    Raises:
        BroadcastError: They cannot be sent or are too large.
    """
    try:
        return _codec.check_size(_codec.encode(dict(params or {})))
    except _codec.CodecError as error:
        raise BroadcastError(f"broadcast to {channel!r}: {error}") from error


def missing(instance_id: str, reason: Reason = "left") -> MissingAnswer:
    """Return that an instance, of which only the id is known, did not answer."""
    hostname, pid = instances.read_id(instance_id)
    return MissingAnswer(hostname, pid, reason=reason)


def check_timeout(seconds: float) -> None:
    """Make sure that a timeout is one.

    Raises:
        ValueError: It is not a finite number, or is negative.
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= sys.float_info.max:
        raise ValueError(
            f"timeout is {str(seconds)[:_SHOWN_CHARACTERS]}; accepted is a number of seconds, not negative"
        )


def make_answer(hostname: str, pid: int, outcome: Outcome, decode: Callable[[bytes], Any]) -> Answer:
    """Return the outcome in one process as what the caller gets."""
    error = outcome.error
    if error is None:
        try:
            payload = decode(outcome.data)
        except _codec.CodecError as codec_error:
            error = f"the answer is {codec_error}"
        else:
            _metrics.count("answers")
            return BroadcastResponse.model_construct(hostname=hostname, pid=pid, payload=payload)
    _metrics.count("failed")
    return FailedAnswer(hostname, pid, error=error)
