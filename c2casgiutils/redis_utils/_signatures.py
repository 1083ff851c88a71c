"""Signatures for data that the processes of a service exchange through Redis."""

import hashlib
import hmac

from c2casgiutils._errors import C2cError

_UNSIGNED = b"-"


class SignatureError(C2cError, ValueError):
    """The signature is missing or wrong."""


class Signer:
    r"""Signs texts as `<signature>\n<text>`.

    The signature is the HMAC-SHA256 (RFC 2104) of a place and the text, so that a text signed for one channel
    or field is not accepted in another one. Without a secret it is `-`.

    Args:
        label: The purpose of the texts; each purpose has its own key.
        secret: Used to sign texts; if set, only texts signed with it are accepted.
    """

    def __init__(self, label: str, secret: str | None) -> None:
        self._key = hashlib.sha256(f"{label}\0{secret}".encode()).digest() if secret else None

    def sign(self, place: str, text: bytes) -> bytes:
        """Return the signed text.

        Args:
            place: The channel, key or field that the text is written to.
            text: The text.
        """
        return self._signature(place, text) + b"\n" + text

    def verify(self, place: str, signed: bytes) -> bytes:
        """Return the text without its signature.

        Args:
            place: The channel, key or field that the text was read from.
            signed: The signed text.

        Raises:
            SignatureError: The signature is missing or wrong.
        """
        signature, _, text = signed.partition(b"\n")
        if not hmac.compare_digest(signature, self._signature(place, text)):
            raise SignatureError("not signed with C2C__REDIS__BROADCAST_SECRET" if self._key else "malformed")
        return text

    def _signature(self, place: str, text: bytes) -> bytes:
        if self._key is None:
            return _UNSIGNED
        return hmac.new(self._key, place.encode() + b"\0" + text, "sha256").hexdigest().encode()
