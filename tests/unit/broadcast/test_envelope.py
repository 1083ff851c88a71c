"""Messages on the wire."""

import random

import pytest

from c2casgiutils.broadcast._codec import MAX_MESSAGE_BYTES
from c2casgiutils.broadcast._envelope import AnswerHeader, DroppedError, Envelopes, RequestHeader, Seen

_HEADER = RequestHeader(id="1", sender="me", at=1000.0, number=1, until=1010.0)


@pytest.mark.parametrize("secret", [None, "secret"])
def test_message_arrives(secret: str | None) -> None:
    envelopes = Envelopes(secret)
    data = envelopes.seal("channel", _HEADER, b'{"a": "b\\nc"}')
    assert envelopes.open("channel", data, RequestHeader, 1000) == (_HEADER, b'{"a": "b\\nc"}')


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(None, "secret"), ("secret", None), ("other", "secret"), ("secret ", "secret")],
    ids=["unsigned", "signed but not expected", "another secret", "a blank more"],
)
def test_message_of_another_secret_is_dropped(sender: str | None, receiver: str | None) -> None:
    data = Envelopes(sender).seal("channel", _HEADER, b"{}")
    with pytest.raises(DroppedError):
        Envelopes(receiver).open("channel", data, RequestHeader, 1000)


def test_signature_is_bound_to_the_channel() -> None:
    data = Envelopes("secret").seal("channel", _HEADER, b"{}")
    with pytest.raises(DroppedError, match="signed"):
        Envelopes("secret").open("other", data, RequestHeader, 1000)


def test_changed_message_is_dropped() -> None:
    data = bytearray(Envelopes("secret").seal("channel", _HEADER, b'{"level": "INFO"}'))
    for position in range(len(data)):
        changed = bytes(data[:position]) + bytes([data[position] ^ 1]) + bytes(data[position + 1 :])
        with pytest.raises(DroppedError):
            Envelopes("secret").open("channel", changed, RequestHeader, 1000)


@pytest.mark.parametrize("now", [1031.0, 969.0], ids=["old", "from the future"])
def test_stale_signed_message_is_dropped(now: float) -> None:
    data = Envelopes("secret").seal("channel", _HEADER, b"{}")
    with pytest.raises(DroppedError, match="stale"):
        Envelopes("secret").open("channel", data, RequestHeader, now)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"-\n",
        b"-\n\n",
        b"-\n{}\n{}",
        b"-\nnull\n{}",
        b'-\n{"id":"1","sender":"x","at":"1","number":1,"until":2.0}\n{}',
        b'-\n{"id":"1","sender":"x","at":1.0,"number":true,"until":2.0}\n{}',
        b'-\n{"id":"1","sender":"x","at":1.0,"number":1,"until":NaN}\n{}',
        b'-\n{"id":"1","sender":"x","at":1.0,"number":1,"until":2.0}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"-\n" + b"x" * (MAX_MESSAGE_BYTES + 10_000),
    ],
    ids=lambda data: repr(data[:40]),
)
@pytest.mark.parametrize("kind", [RequestHeader, AnswerHeader])
def test_malformed_message_is_dropped(data: bytes, kind: type[RequestHeader]) -> None:
    with pytest.raises(DroppedError):
        Envelopes(None).open("channel", data, kind, 1000)


def test_each_number_of_a_sender_counts_once() -> None:
    seen = Seen()
    numbers = list(range(3000))
    random.Random(1).shuffle(numbers)  # noqa: S311  # an order
    assert all(seen.is_new("a", number) for number in numbers)
    assert not any(seen.is_new("a", number) for number in numbers)
    assert seen.is_new("b", 1)


def test_numbers_below_the_window_are_not_new() -> None:
    seen = Seen()
    assert seen.is_new("a", 100_000)
    assert not seen.is_new("a", 1)
    assert seen.is_new("a", 99_999)
    assert not seen.is_new("a", 100_000)


@pytest.mark.parametrize("number", [-1, 0, 10**30])
def test_odd_numbers_do_no_harm(number: int) -> None:
    seen = Seen()
    assert seen.is_new("a", 5)
    seen.is_new("a", number)
    assert not seen.is_new("a", number)


def test_memory_of_senders_is_bounded() -> None:
    seen = Seen()
    for index in range(30_000):
        seen.is_new(str(index), 1)
    assert len(seen._senders) <= 20_000
