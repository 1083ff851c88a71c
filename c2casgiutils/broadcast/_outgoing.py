"""The messages of this process to the handlers of all processes, as published."""

import secrets
from collections.abc import Collection

from c2casgiutils.broadcast._envelope import RequestHeader
from c2casgiutils.redis_utils._link import Link
from c2casgiutils.request_tracking import current_request_id, current_traceparent

_SLACK_SECONDS = 1.0


class Outgoing:
    """Numbers and dates messages.

    Args:
        sender: The id of this process.
        link: Has the time of Redis.
    """

    def __init__(self, sender: str, link: Link) -> None:
        self._sender = sender
        self._link = link
        self._number = 0

    def header(
        self, seconds: float, *, reply_to: str | None = None, to: Collection[str] | None = None
    ) -> RequestHeader:
        """Return the header of a new message.

        Args:
            seconds: For how long it counts.
            reply_to: The channel for answers.
            to: The ids of the instances that run the handler; `None` for all.
        """
        self._number += 1
        now = self._link.now()
        return RequestHeader(
            id=secrets.token_hex(8),
            sender=self._sender,
            at=now,
            number=self._number,
            until=now + seconds + _SLACK_SECONDS if self._link.has_clock else None,
            reply_to=reply_to,
            request_id=current_request_id(),
            traceparent=current_traceparent(),
            to=None if to is None else list(to),
        )
