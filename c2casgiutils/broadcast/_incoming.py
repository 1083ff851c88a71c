"""Messages received from Redis: calls for the handlers, and answers to the calls of this process."""

import logging
from collections.abc import Callable

from c2casgiutils.broadcast import _metrics
from c2casgiutils.broadcast._calls import Call
from c2casgiutils.broadcast._envelope import AnswerHeader, DroppedError, Envelopes
from c2casgiutils.broadcast._handlers import Handlers, Outcome
from c2casgiutils.broadcast._questions import Drops, Questions
from c2casgiutils.instances import Presence
from c2casgiutils.request_tracking import restore

_LOGGER = logging.getLogger(__name__)

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
        self.questions = Questions(presence, envelopes, now)
        self._drops = Drops()
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
            self._drops.note(str(error), channel)
        except Exception:
            _LOGGER.exception("A message on %r could not be handled", channel)

    def _take_answer(self, header: AnswerHeader, payload: bytes) -> None:
        call = self.calls.get(header.id)
        if call is None:
            return
        error = payload[:_MAX_ERROR_BYTES].decode(errors="replace") if header.failed else None
        call.add(header, Outcome(payload, error))

    def _take_request(self, channel: str, data: bytes) -> None:
        opened = self.questions.open(channel, data)
        if opened is None:
            return
        header, payload = opened
        _metrics.count("received")
        reply_to = header.reply_to
        self._handlers.dispatch(
            channel.removeprefix(self._prefix),
            payload,
            request=restore(header.request_id, header.traceparent),
            reply=(lambda outcome: self._reply(reply_to, header.id, outcome)) if reply_to else None,
        )

    def _reply(self, reply_to: str, call_id: str, outcome: Outcome) -> None:
        header, payload = self.questions.answer(call_id, outcome)
        if reply_to == self.inbox:
            self._take_answer(header, payload)
        elif reply_to.startswith(self._channels.inbox_of("")):
            self._publish(reply_to, self._envelopes.seal(reply_to, header, payload))
        else:
            self._drops.note("malformed", reply_to)
