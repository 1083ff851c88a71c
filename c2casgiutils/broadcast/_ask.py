"""Ask every process of the cluster, and report who did not answer."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from c2casgiutils.broadcast._current import current
from c2casgiutils.broadcast._handlers import Callback
from c2casgiutils.broadcast.interface import Answer
from c2casgiutils.broadcast.local import LocalBroadcaster
from c2casgiutils.broadcast.types import BroadcastResponse, BroadcastUnavailable, ClusterReport

_LOGGER = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 2.0


class Reply(NamedTuple):
    """What the processes answered.

    Attributes:
        payloads: What their handlers returned, in the order of arrival.
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
) -> Reply:
    """Ask every process that subscribes to a channel, this one included.

    A process that nobody else can reach answers for itself: without Redis, or before `startup`.

    Args:
        channel: Name of the channel.
        handler: The handler with which this process subscribes.
        params: Keyword parameters of the handlers.
        timeout: Seconds to wait at most.
        or_alone: While Redis is unreachable, answer for this process, which is not complete, instead of
            raising.

    Raises:
        BroadcastUnavailable: Redis is unreachable.
        BroadcastError: The parameters cannot be sent.
    """
    try:
        answers = await current().broadcast(channel, params, expect_answers=True, timeout=timeout)
    except BroadcastUnavailable as error:
        if not or_alone:
            raise
        _LOGGER.debug("The other processes cannot be asked: %s", error)  # the report tells it too
        reply = await _ask_alone(channel, handler, params, timeout)
        return Reply(reply.payloads, reply.report.model_copy(update={"complete": False}))
    return _reply(answers) if answers else await _ask_alone(channel, handler, params, timeout)


async def _ask_alone(
    channel: str,
    handler: Callback,
    params: Mapping[str, Any] | None,
    timeout: float,
) -> Reply:
    alone = LocalBroadcaster({channel: handler})
    return _reply(await alone.broadcast(channel, params, expect_answers=True, timeout=timeout))


def _reply(answers: Sequence[Answer] | None) -> Reply:
    payloads = [answer.payload for answer in answers or () if isinstance(answer, BroadcastResponse)]
    return Reply(payloads, ClusterReport.of(answers))
