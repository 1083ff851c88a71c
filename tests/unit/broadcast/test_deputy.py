"""The deputy of an event loop: what it takes for a question, and its answers."""

import pytest

from c2casgiutils.broadcast._codec import MAX_MESSAGE_BYTES
from c2casgiutils.broadcast._deputy import Asked, Deputy, deputy_channel
from c2casgiutils.broadcast._envelope import AnswerHeader, Envelopes, RequestHeader
from c2casgiutils.instances import Presence

NOW = 1000.0
SECRET = "the secret of the test"
CHANNEL = deputy_channel("test_stacks")
PRESENCE = Presence()
INBOX = PRESENCE.roster.channels.inbox_of("host:1:asking")


def make(answered: dict[str, None] | None = None) -> Deputy:
    return Deputy(
        CHANNEL, PRESENCE, Envelopes(SECRET), now=lambda: NOW, answered={} if answered is None else answered
    )


def question(
    *,
    secret: str | None = SECRET,
    channel: str = CHANNEL,
    number: int = 1,
    at: float = NOW,
    until: float | None = NOW + 3,
    reply_to: str | None = INBOX,
    to: list[str] | None = None,
    payload: bytes = b"{}",
) -> bytes:
    header = RequestHeader(
        id="7", sender="host:1:asking", at=at, number=number, until=until, reply_to=reply_to, to=to
    )
    return Envelopes(secret).seal(channel, header, payload)


@pytest.mark.parametrize("to", [None, [PRESENCE.id], ["other", PRESENCE.id]], ids=["all", "one", "several"])
def test_question(to: list[str] | None) -> None:
    """A question to this process is taken once."""
    deputy = make()
    assert deputy.take(question(to=to)) == Asked("7", INBOX)
    assert deputy.take(question(to=to)) is None
    assert deputy.take(question(to=to, number=2)) == Asked("7", INBOX)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"-\n{}\n{}",
        b"x" * (2 * MAX_MESSAGE_BYTES),
        question(secret=None),
        question(secret="another secret"),  # for this test
        question(channel="test_stacks"),
        question(at=NOW - 60),
        question(until=NOW - 1),
        question(reply_to=None),
        question(reply_to="test_anything"),
        question(to=["host:2:other"]),
        question(payload=b"x" * (2 * MAX_MESSAGE_BYTES)),
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_what_is_no_question(data: bytes) -> None:
    """What is forged, old, too large, for others or for the handlers is ignored."""
    assert make().take(data) is None


def test_answer() -> None:
    """The answer is signed for the inbox of the caller, in the name of this process."""
    deputy = make()
    asked = deputy.take(question())
    assert asked is not None
    header, payload = Envelopes(SECRET).open(INBOX, deputy.answer(asked, b"[1]"), AnswerHeader, NOW)
    assert (header.id, header.sender, header.failed, payload) == ("7", PRESENCE.id, False, b"[1]")


def test_what_the_event_loop_has_answered() -> None:
    """A question that the event loop has answered in the meantime is left to it."""
    answered: dict[str, None] = {}
    deputy = make(answered)
    asked = deputy.take(question())
    assert asked is not None
    assert not deputy.is_answered(asked)
    answered["7"] = None
    assert deputy.is_answered(asked)
