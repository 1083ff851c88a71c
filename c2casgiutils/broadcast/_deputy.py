"""Answers to some questions from another thread, while the event loop of this process is blocked."""

from collections.abc import Callable, Container
from typing import NamedTuple

from c2casgiutils.broadcast._envelope import DroppedError, Envelopes
from c2casgiutils.broadcast._handlers import Outcome
from c2casgiutils.broadcast._questions import Drops, Questions
from c2casgiutils.instances import Presence


def deputy_channel(name: str) -> str:
    """Return the channel of the deputies in Redis.

    They have a channel of their own because the subscribers of the other one are counted: each is expected to
    answer.

    Args:
        name: The channel of the handlers in Redis.
    """
    return f"{name}@deputies"


class Asked(NamedTuple):
    """A question that was accepted."""

    id: str
    reply_to: str


class Deputy:
    """Takes the questions on a channel, and makes answers of this process, in one other thread.

    Whoever asks counts the first answer of a process only, so that it does not matter if both answer.

    Args:
        channel: The channel of the deputies in Redis.
        presence: This process in the roster.
        envelopes: Signs and verifies messages.
        now: Returns the time of Redis, `None` while it is unknown.
        answered: The ids of the questions that the event loop has answered.
    """

    def __init__(
        self,
        channel: str,
        presence: Presence,
        envelopes: Envelopes,
        *,
        now: Callable[[], float | None],
        answered: Container[str],
    ) -> None:
        self.channel = channel
        self._envelopes = envelopes
        self._questions = Questions(presence, envelopes, now)
        self._inboxes = presence.roster.channels.inbox_of("")
        self._answered = answered
        self._drops = Drops()

    def take(self, data: bytes) -> Asked | None:
        """Return the question in a received message, or `None` if there is none for this process."""
        try:
            opened = self._questions.open(self.channel, data)
        except DroppedError as error:
            self._drops.note(str(error), self.channel)
            return None
        reply_to = None if opened is None else opened[0].reply_to
        if opened is None or reply_to is None:
            return None
        if not reply_to.startswith(self._inboxes):
            self._drops.note("malformed", self.channel)
            return None
        return Asked(opened[0].id, reply_to)

    def is_answered(self, asked: Asked) -> bool:
        """Return whether the event loop has answered a question."""
        return asked.id in self._answered

    def answer(self, asked: Asked, data: bytes) -> bytes:
        """Return the message to publish on the channel `reply_to` of the question.

        Args:
            asked: The question.
            data: The answer as JSON.
        """
        header, payload = self._questions.answer(asked.id, Outcome(data))
        return self._envelopes.seal(asked.reply_to, header, payload)
