r"""Messages as sent: `<signature>\n<header>\n<payload>`, the last two are JSON.

The signature is `-`, or, if there is a secret, the HMAC-SHA256 (RFC 2104) of channel, header and payload.
Times are from the clock of Redis, so the clocks of the processes need not agree.
"""

import time
from typing import ClassVar, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from c2casgiutils._errors import C2cError
from c2casgiutils.broadcast._codec import MAX_MESSAGE_BYTES
from c2casgiutils.redis_utils import SignatureError, Signer

_MAX_AGE_SECONDS = 30.0
"""A signed message is stale when its time differs by more than this from now."""
_MAX_HEADER_BYTES = 4096
_MAX_TEXT_LENGTH = 300
_LABEL = "c2casgiutils broadcast"


class Header(BaseModel):
    """The fields common to all messages."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    id: str = Field(max_length=_MAX_TEXT_LENGTH)
    sender: str = Field(max_length=_MAX_TEXT_LENGTH)
    at: float


class RequestHeader(Header):
    """A message to the handlers of a channel."""

    number: int
    until: float | None = None
    reply_to: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    to: list[str] | None = None
    """The ids of the instances that run the handler; `None` for all."""


class AnswerHeader(Header):
    """The answer of one process; the payload is its result, or the text of its error."""

    hostname: str = Field(max_length=_MAX_TEXT_LENGTH)
    pid: int
    failed: bool = False


H = TypeVar("H", RequestHeader, AnswerHeader)


class DroppedError(C2cError):
    """A message was not accepted; the text says why."""


class Envelopes:
    """Signs and verifies messages.

    Args:
        secret: Used to sign messages; if set, only messages signed with it are accepted.
    """

    def __init__(self, secret: str | None) -> None:
        self._signer = Signer(_LABEL, secret)
        self._is_signed = bool(secret)

    def seal(self, channel: str, header: Header, payload: bytes) -> bytes:
        """Return the bytes to publish on a channel."""
        body = header.model_dump_json(exclude_defaults=True).encode() + b"\n" + payload
        return self._signer.sign(channel, body)

    def open(self, channel: str, data: bytes, kind: type[H], now: float | None) -> tuple[H, bytes]:
        """Return the header and the payload of a message received on a channel.

        Raises:
            DroppedError: The message is too large, malformed, wrongly signed, or stale.
        """
        if len(data) > MAX_MESSAGE_BYTES + _MAX_HEADER_BYTES:
            raise DroppedError("too large")
        try:
            body = self._signer.verify(channel, data)
        except SignatureError as error:
            raise DroppedError(str(error)) from None
        raw_header, separator, payload = body.partition(b"\n")
        try:
            header = kind.model_validate_json(raw_header)
        except pydantic.ValidationError:
            raise DroppedError("malformed") from None
        if not separator:
            raise DroppedError("malformed")
        if self._is_signed and abs((time.time() if now is None else now) - header.at) > _MAX_AGE_SECONDS:
            raise DroppedError("stale")
        return header, payload


class Seen:
    """Recognises repeated messages by the number that each sender gives to its messages.

    For each sender, only the highest number and a window below it are kept, so memory use does not grow with
    the number of messages.
    """

    _WINDOW = 4096
    _MAX_SENDERS = 20_000

    def __init__(self) -> None:
        self._senders: dict[str, tuple[int, int]] = {}

    def is_new(self, sender: str, number: int) -> bool:
        """Return whether the message is new, and remember it."""
        highest, mask = self._senders.pop(sender, (number - 1, 0))
        if number > highest:
            shift = number - highest
            mask = ((mask << shift) | 1) & ((1 << self._WINDOW) - 1) if shift < self._WINDOW else 1
            new, highest = True, number
        else:
            bit = highest - number
            new = bit < self._WINDOW and not mask >> bit & 1
            mask |= 1 << bit if new else 0
        self._senders[sender] = (highest, mask)
        if len(self._senders) > self._MAX_SENDERS:
            del self._senders[next(iter(self._senders))]
        return new
