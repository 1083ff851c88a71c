"""Signatures of what passes through Redis."""

import pytest

from c2casgiutils.redis_utils import SignatureError, Signer

TEXT = b'{"a": 1}\nmore'


@pytest.mark.parametrize("secret", ["a secret", None])
def test_what_is_signed_is_accepted(secret: str | None) -> None:
    """The text comes back, line breaks included."""
    signer = Signer("test", secret)
    assert signer.verify("place", signer.sign("place", TEXT)) == TEXT


@pytest.mark.parametrize(
    ("label", "secret", "place"),
    [
        pytest.param("other", "a secret", "place", id="another use"),
        pytest.param("test", "another", "place", id="another secret"),
        pytest.param("test", None, "place", id="unsigned"),
        pytest.param("test", "a secret", "elsewhere", id="another place"),
    ],
)
def test_other_signatures_are_refused(label: str, secret: str | None, place: str) -> None:
    """A signature counts for one use, one secret and one place."""
    signed = Signer(label, secret).sign(place, TEXT)
    with pytest.raises(SignatureError, match="C2C__REDIS__BROADCAST_SECRET"):
        Signer("test", "a secret").verify("place", signed)


@pytest.mark.parametrize("signed", [b"", TEXT, b"\xff\n" + TEXT, b"abc\n" + TEXT])
@pytest.mark.parametrize("secret", ["a secret", None])
def test_malformed_texts_are_refused(signed: bytes, secret: str | None) -> None:
    """Anything may stand in Redis."""
    signer = Signer("test", secret)
    with pytest.raises(SignatureError):
        signer.verify("place", signed)
