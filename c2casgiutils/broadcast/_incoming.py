"""Messages received from Redis: calls for the handlers, and answers to the calls of this process."""

import logging
import time
from collections.abc import Callable

from c2casgiutils.broadcast import _metrics
from c2casgiutils.broadcast._calls import Call
from c2casgiutils.broadcast._envelope import AnswerHeader, DroppedError, Envelopes, RequestHeader, Seen
from c2casgiutils.broadcast._handlers import Handlers, Outcome
from c2casgiutils.instances import Presence
from c2casgiutils.request_tracking import restore

_LOGGER = logging.getLogger(__name__)

_LOG_EVERY_SECONDS = 10.0
_MAX_ERROR_BYTES = 4096
"""Maximum length of the error text of a failed handler."""


class Incoming:
    """Verifies received messages, drops those that are not accepted, and dispatches the others.

    Args:
        presence: This process in the roster.
        prefix: Prefix of all channels of the service.
        envelopes: Signs and verifies messages.
        handlers: The handlers of this process.
        now: Returns the time of Redis, `None` while it is unknown.
        publish: Publishes an answer, without waiting.
    """

    def __init__(
        self,
        presence: Presence,
        prefix: str,
        envelopes: Envelopes,
        handlers: Handlers,
        *,
        now: Callable[[], float | None],
        publish: Callable[[str, bytes], None],
    ) -> None:
        self.calls: dict[str, Call] = {}
        self._presence = presence
        self._prefix = prefix
        self._envelopes = envelopes
        self._handlers = handlers
        self._now = now
        self._publish = publish
        self._seen = Seen()
        self._logged: dict[str, float] = {}
        self._channels = presence.roster.channels
        self.inbox = self._channels.inbox_of(presence.id)

    def take(self, channel: str, data: bytes) -> None:
        """Handle a received message; never raises."""
        try:
            if channel == self.inbox:
                self._take_answer(*self._envelopes.open(channel, data, AnswerHeader, self._now()))
            elif channel == self._channels.all:
                self._presence.hear(data)
            else:
                self._take_request(channel, data)
        except DroppedError as error:
            self._drop(str(error), channel)
        except Exception:
            _LOGGER.exception("A message on %r could not be handled", channel)

    def _take_answer(self, header: AnswerHeader, payload: bytes) -> None:
        call = self.calls.get(header.id)
        if call is None:
            return
        error = payload[:_MAX_ERROR_BYTES].decode(errors="replace") if header.failed else None
        call.add(header, Outcome(payload, error))

    def _take_request(self, channel: str, data: bytes) -> None:
        now = self._now()
        header, payload = self._envelopes.open(channel, data, RequestHeader, now)
        if header.until is not None and now is not None and now > header.until:
            raise DroppedError("stale")
        if not self._seen.is_new(header.sender, header.number):
            raise DroppedError("seen before")
        if header.to is not None and self._presence.id not in header.to:
            return
        _metrics.count("received")
        reply_to = header.reply_to
        self._handlers.dispatch(
            channel.removeprefix(self._prefix),
            payload,
            request=restore(header.request_id, header.traceparent),
            reply=(lambda outcome: self._reply(reply_to, header.id, outcome)) if reply_to else None,
        )

    def _reply(self, reply_to: str, call_id: str, outcome: Outcome) -> None:
        header = AnswerHeader(
            id=call_id,
            sender=self._presence.id,
            at=self._now() or time.time(),
            hostname=self._presence.hostname,
            pid=self._presence.pid,
            failed=outcome.error is not None,
        )
        payload = outcome.data if outcome.error is None else outcome.error.encode(errors="replace")
        if reply_to == self.inbox:
            self._take_answer(header, payload)
        elif reply_to.startswith(self._channels.inbox_of("")):
            self._publish(reply_to, self._envelopes.seal(reply_to, header, payload))
        else:
            self._drop("malformed", reply_to)

    def _drop(self, reason: str, channel: str) -> None:
        """Count a dropped message, and log it at most once in ten seconds for each reason."""
        _metrics.count("dropped")
        now = time.monotonic()
        if now - self._logged.get(reason, -_LOG_EVERY_SECONDS) >= _LOG_EVERY_SECONDS:
            self._logged[reason] = now
            _LOGGER.warning("A message on %r was dropped: %s", channel[:200], reason)
