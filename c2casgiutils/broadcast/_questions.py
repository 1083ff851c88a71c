"""The questions of other processes: verified when they arrive, and answered in the name of this process."""

import logging
import time
from collections.abc import Callable

from c2casgiutils.broadcast import _metrics
from c2casgiutils.broadcast._envelope import AnswerHeader, DroppedError, Envelopes, RequestHeader, Seen
from c2casgiutils.broadcast._handlers import Outcome
from c2casgiutils.instances import Presence

_LOGGER = logging.getLogger(__name__)

_LOG_EVERY_SECONDS = 10.0
_MAX_ANSWERED = 1000


class Drops:
    """Counts messages that are dropped, and logs them at most once in ten seconds for each reason."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def note(self, reason: str, channel: str) -> None:
        """Count a dropped message."""
        _metrics.count("dropped")
        now = time.monotonic()
        if now - self._logged.get(reason, -_LOG_EVERY_SECONDS) >= _LOG_EVERY_SECONDS:
            self._logged[reason] = now
            _LOGGER.warning("A message on %r was dropped: %s", channel[:200], reason)


class Questions:
    """Verifies the messages to handlers, and makes the answers.

    Args:
        presence: This process in the roster.
        envelopes: Signs and verifies messages.
        now: Returns the time of Redis, `None` while it is unknown.
    """

    def __init__(self, presence: Presence, envelopes: Envelopes, now: Callable[[], float | None]) -> None:
        self.answered: dict[str, None] = {}
        """The ids of the last questions that were answered; can be read in any thread."""
        self._presence = presence
        self._envelopes = envelopes
        self._now = now
        self._seen = Seen()

    def open(self, channel: str, data: bytes) -> tuple[RequestHeader, bytes] | None:
        """Return the header and the payload of a message, or `None` if it is for other processes only.

        Raises:
            DroppedError: The message is not accepted, or came before.
        """
        now = self._now()
        header, payload = self._envelopes.open(channel, data, RequestHeader, now)
        if header.until is not None and now is not None and now > header.until:
            raise DroppedError("stale")
        if not self._seen.is_new(header.sender, header.number):
            raise DroppedError("seen before")
        if header.to is not None and self._presence.id not in header.to:
            return None
        return header, payload

    def answer(self, call_id: str, outcome: Outcome) -> tuple[AnswerHeader, bytes]:
        """Return the header and the payload of the answer of this process."""
        self.answered[call_id] = None
        if len(self.answered) > _MAX_ANSWERED:
            del self.answered[next(iter(self.answered))]
        header = AnswerHeader(
            id=call_id,
            sender=self._presence.id,
            at=self._now() or time.time(),
            hostname=self._presence.hostname,
            pid=self._presence.pid,
            failed=outcome.error is not None,
        )
        return header, outcome.data if outcome.error is None else outcome.error.encode(errors="replace")
