"""Signatures of what the processes of a service exchange through Redis."""

import hashlib
import hmac

from c2casgiutils._errors import C2cError

_UNSIGNED = b"-"


class SignatureError(C2cError, ValueError):
    """Not signed as it should be."""


class Signer:
    r"""Signs texts as `<signature>\n<text>`.

    The signature is the HMAC-SHA256 (RFC 2104) of the place where the text stands, and the text: what was
    signed for one channel or field is not accepted on another one. Without a secret it is `-`.

    Args:
        label: What the texts are for; each use has keys of its own.
        secret: Sign with it, and accept only what is signed with it.
    """

    def __init__(self, label: str, secret: str | None) -> None:
        self._key = hashlib.sha256(f"{label}\0{secret}".encode()).digest() if secret else None

    def sign(self, place: str, text: bytes) -> bytes:
        """Return the text with its signature.

        Args:
            place: The channel, key or field where it will stand.
            text: The text.
        """
        return self._signature(place, text) + b"\n" + text

    def verify(self, place: str, signed: bytes) -> bytes:
        """Return the text without its signature.

        Args:
            place: The channel, key or field where it stands.
            signed: The text with its signature.

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
