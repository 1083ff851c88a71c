r"""Messages on the wire: `<signature>\n<header>\n<payload>`, the last two JSON.

The signature is `-`, or with a secret the HMAC-SHA256 (RFC 2104) of channel, header and payload. Times are
those of Redis, so the clocks of the processes need not agree.
"""

import hashlib
import hmac
import time
from typing import TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict

from c2casgiutils._errors import C2cError
from c2casgiutils.broadcast._codec import MAX_MESSAGE_BYTES

_MAX_AGE_SECONDS = 30.0
"""A signed message older (or younger) than this is stale."""
_MAX_HEADER_BYTES = 4096
_UNSIGNED = b"-"
_LABEL = b"c2casgiutils broadcast\0"


class Header(BaseModel):
    """Common to all messages."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    id: str
    sender: str
    at: float


class RequestHeader(Header):
    """A message to the handlers of a channel."""

    number: int
    until: float | None = None
    reply_to: str | None = None
    request_id: str | None = None


class AnswerHeader(Header):
    """The answer of one process; the payload is its result, or the text of its error."""

    hostname: str
    pid: int
    failed: bool = False


H = TypeVar("H", RequestHeader, AnswerHeader)


class DroppedError(C2cError):
    """A message that is not accepted, and why."""


class Envelopes:
    """Seals and opens messages.

    Args:
        secret: Sign with it, and accept only what is signed with it.
    """

    def __init__(self, secret: str | None) -> None:
        self._key = hashlib.sha256(_LABEL + secret.encode()).digest() if secret else None

    def seal(self, channel: str, header: Header, payload: bytes) -> bytes:
        """Return the bytes to publish on a channel."""
        body = header.model_dump_json(exclude_defaults=True).encode() + b"\n" + payload
        return self._signature(channel, body) + b"\n" + body

    def open(self, channel: str, data: bytes, kind: type[H], now: float | None) -> tuple[H, bytes]:
        """Header and payload of a message that arrived on a channel.

        Raises:
            DroppedError: Too large, malformed, not signed as it should, or stale.
        """
        if len(data) > MAX_MESSAGE_BYTES + _MAX_HEADER_BYTES:
            raise DroppedError("too large")
        signature, _, body = data.partition(b"\n")
        if not hmac.compare_digest(signature, self._signature(channel, body)):
            raise DroppedError("not signed with C2C__REDIS__BROADCAST_SECRET" if self._key else "malformed")
        raw_header, separator, payload = body.partition(b"\n")
        try:
            header = kind.model_validate_json(raw_header)
        except pydantic.ValidationError:
            raise DroppedError("malformed") from None
        if not separator:
            raise DroppedError("malformed")
        if self._key and abs((time.time() if now is None else now) - header.at) > _MAX_AGE_SECONDS:
            raise DroppedError("stale")
        return header, payload

    def _signature(self, channel: str, body: bytes) -> bytes:
        if self._key is None:
            return _UNSIGNED
        return hmac.new(self._key, channel.encode() + b"\0" + body, "sha256").hexdigest().encode()


class Seen:
    """Recognises messages that arrive again, by the number that each sender gives its messages.

    For each sender the highest number and a window below it are kept, so the memory does not grow with the
    messages.
    """

    _WINDOW = 4096
    _MAX_SENDERS = 20_000

    def __init__(self) -> None:
        self._senders: dict[str, tuple[int, int]] = {}

    def is_new(self, sender: str, number: int) -> bool:
        """Return whether the message was not seen before, and note it."""
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
