"""Ask every process of the cluster, and report who did not answer."""

import dataclasses
import functools
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from c2casgiutils._numbers import check_seconds
from c2casgiutils.broadcast._codec import TypedValue
from c2casgiutils.broadcast._current import current
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast.interface import Answers, BaseBroadcaster, encode
from c2casgiutils.broadcast.local import LocalBroadcaster
from c2casgiutils.broadcast.types import BroadcastResponse, BroadcastUnavailable, ClusterReport

_LOGGER = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 2.0

_typed = functools.cache(TypedValue)


class Reply(NamedTuple):
    """What the processes answered.

    Attributes:
        payloads: The return values of their handlers, in the order of arrival.
        report: Which processes answered, failed or are missing.
    """

    payloads: list[Any]
    report: ClusterReport


async def ask(
    channel: str,
    handler: Callback,
    params: Mapping[str, Any] | None = None,
    *,
    timeout: float = _TIMEOUT_SECONDS,
    or_alone: bool = False,
    to: Collection[str] | None = None,
    answer: Any = Any,
    with_blocked: bool = False,
) -> Reply:
    """Ask the processes that subscribe to a channel, this one included, or only some of them.

    Without Redis, or before `startup`, only this process answers.

    Args:
        channel: Name of the channel.
        handler: The handler that this process subscribed.
        params: Keyword parameters of the handlers.
        timeout: Maximum time to wait, in seconds.
        or_alone: If Redis is unreachable, return the answer of this process with an incomplete report instead
            of raising; its `roster` is `stale`, as there may be others.
        to: The ids of the instances to ask; the others ignore the message. An id that is not in the roster is
            reported as missing immediately, with the reason `left`.
        answer: The return type of the handlers. Any other answer is reported as failed: without
            `C2C__REDIS__BROADCAST_SECRET` anyone who can publish to Redis can send one.
        with_blocked: Also ask the processes whose event loop is blocked, those that are lost for that reason
            included: a thread of theirs may answer, as for stacks.

    Raises:
        BroadcastUnavailable: Redis is unreachable.
        BroadcastError: The parameters cannot be sent.
        ValueError: The timeout is not a number of seconds.
    """
    check_seconds(timeout, "timeout")
    question = _Question(channel, encode(channel, params), timeout, to, _typed(answer).decode, with_blocked)
    try:
        answers = await question.put(current())
    except BroadcastUnavailable as error:
        if not or_alone:
            raise
        _LOGGER.debug("Could not ask the other processes: %s", error)  # the report says so, too
        reply = _reply(await question.put(LocalBroadcaster({channel: handler})))
        return Reply(reply.payloads, reply.report.model_copy(update={"complete": False, "roster": "stale"}))
    if not answers.answers:
        alone = await question.put(LocalBroadcaster({channel: handler}))
        answers = dataclasses.replace(answers, answers=alone.answers)
    return _reply(answers)


@dataclasses.dataclass(frozen=True, slots=True)
class _Question:
    channel: str
    params: bytes
    timeout: float
    to: Collection[str] | None
    decode: Callable[[bytes], Any]
    with_blocked: bool

    async def put(self, broadcaster: BaseBroadcaster) -> Answers:
        return await broadcaster.ask(
            self.channel,
            self.params,
            timeout=self.timeout,
            to=self.to,
            decode=self.decode,
            with_blocked=self.with_blocked,
        )


def _reply(answers: Answers) -> Reply:
    payloads = [answer.payload for answer in answers.answers if isinstance(answer, BroadcastResponse)]
    return Reply(payloads, answers.report)
