"""Sealed tokens: what they hold can be neither read nor changed by who carries them.

A token is a JSON Web Signature (RFC 7515) whose payload is the claims (RFC 7519), encrypted with AES-256-GCM.
Each kind of token has its own keys, derived with HKDF (RFC 5869) from one secret: none is valid as another.
"""

import enum
import functools
import hashlib
import json
import os
import secrets
import time
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2casgiutils import config
from c2casgiutils._errors import C2cError

_ISSUER = "c2casgiutils"
_VERSION = 1
_NONCE_BYTES = 12
_CLOCK_LEEWAY_SECONDS = 5
_MAX_TOKEN_LENGTH = 4096


class Kind(enum.StrEnum):
    """What a token is for."""

    SESSION = "session"
    GITHUB_STATE = "github-state"
    GITHUB_REFRESH = "github-refresh"


class BadTokenError(C2cError, ValueError):
    """A token that is not ours, not of this kind, changed, or out of its time."""


class Claims(BaseModel):
    """What a token says; `data` is the part of its kind, all times are seconds since the epoch."""

    model_config = ConfigDict(extra="ignore", strict=True)

    iss: Literal["c2casgiutils"]
    aud: str
    sub: str = Field(min_length=1, max_length=100)
    iat: int
    exp: int
    jti: str = Field(min_length=16, max_length=64)
    v: Literal[1]
    data: dict[str, Any]


class _Keys(NamedTuple):
    id: str
    signature: bytes
    encryption: bytes


@functools.lru_cache(maxsize=8)
def _stretch(secret: str) -> str:
    """Make guessing slow: the shared secret may be short, and a cookie can be attacked in peace."""
    salt = b"c2casgiutils session key"
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()


def _secrets() -> list[str]:
    """Return the secrets that are accepted, the one that signs first.

    Raises:
        BadTokenError: There is none.
    """
    auth = config.settings.auth
    if auth.jwt.secret:
        return [auth.jwt.secret, *auth.jwt.previous_secrets]
    if auth.secret:
        return [_stretch(auth.secret)]
    raise BadTokenError("no key is configured")


def derive(secret: str, label: str, length: int) -> bytes:
    """Derive a key for one purpose.

    Args:
        secret: The key material.
        label: The purpose.
        length: Of the key, in bytes.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"c2casgiutils/{label}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret.encode())


@functools.lru_cache(maxsize=32)
def _keys(secret: str, kind: Kind) -> _Keys:
    return _Keys(
        derive(secret, f"{kind}/id", 6).hex(),
        derive(secret, f"{kind}/signature", 64),
        derive(secret, f"{kind}/encryption", 32),
    )


def keyed_hash(text: str, label: str) -> str:
    """Return a hash that only this deployment can compute, to compare a value without keeping it.

    Raises:
        BadTokenError: There is no key.
    """
    return _hash(_secrets()[0], text, label)


def is_keyed_hash(value: str, text: str, label: str) -> bool:
    """Return whether a value is the keyed hash of a text, with the current or a previous key."""
    return any(
        secrets.compare_digest(value.encode(), _hash(secret, text, label).encode()) for secret in _secrets()
    )


def _hash(secret: str, text: str, label: str) -> str:
    key = derive(secret, f"hash/{label}", 32)
    return hashlib.blake2b(text.encode(), key=key, digest_size=16).hexdigest()


def new_id() -> str:
    """Return a fresh identifier of 128 random bits."""
    return secrets.token_urlsafe(16)


def seal(kind: Kind, claims: dict[str, Any]) -> str:
    """Encrypt and sign claims as they are; `make` builds complete ones.

    Raises:
        BadTokenError: There is no key.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from jwt.api_jws import PyJWS

    keys = _keys(_secrets()[0], kind)
    nonce = os.urandom(_NONCE_BYTES)
    text = json.dumps(claims, separators=(",", ":")).encode()
    payload = nonce + AESGCM(keys.encryption).encrypt(nonce, text, kind.encode())
    return PyJWS().encode(
        payload, keys.signature, config.settings.auth.jwt.algorithm, headers={"kid": keys.id}
    )


def make(
    kind: Kind, subject: str, data: dict[str, Any], *, expires_at: int, token_id: str | None = None
) -> str:
    """Make a token.

    Args:
        kind: What it is for.
        subject: About whom.
        data: What it says.
        expires_at: When it ends, in seconds since the epoch.
        token_id: The identifier, to keep that of the token which this one replaces.

    Raises:
        BadTokenError: There is no key.
    """
    return seal(
        kind,
        {
            "iss": _ISSUER,
            "aud": kind.value,
            "sub": subject,
            "iat": int(time.time()),
            "exp": expires_at,
            "jti": token_id or new_id(),
            "v": _VERSION,
            "data": data,
        },
    )


def unseal(kind: Kind, token: str, *, longest_seconds: float) -> Claims:
    """Open a token and check all that it claims.

    Args:
        kind: What it must be for.
        token: The token.
        longest_seconds: The longest life of such a token.

    Raises:
        BadTokenError: It is not valid; the text says why and holds nothing of it.
    """
    claims = _read(_decrypt(kind, token))
    now = time.time()
    if claims.aud != kind:
        raise BadTokenError("for another purpose")
    if claims.exp <= now:
        raise BadTokenError("expired")
    if claims.iat > now + _CLOCK_LEEWAY_SECONDS:
        raise BadTokenError("from the future")
    if not 0 < claims.exp - claims.iat <= longest_seconds:
        raise BadTokenError("valid for too long")
    return claims


def is_current(kind: Kind, token: str) -> bool:
    """Return whether a valid token is sealed with the current secret, not with a previous one."""
    from jwt.api_jws import PyJWS

    return bool(PyJWS().get_unverified_header(token).get("kid") == _keys(_secrets()[0], kind).id)


def _decrypt(kind: Kind, token: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from jwt import InvalidTokenError
    from jwt.api_jws import PyJWS

    if len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
        raise BadTokenError("not a token")
    try:
        # of the header only the name of the key counts: no address, file or algorithm of its choice
        header = PyJWS().get_unverified_header(token)
        keys = next((keys for keys in _accepted(kind) if keys.id == header.get("kid")), None)
        if keys is None or not header.keys() <= {"alg", "kid", "typ"}:
            raise BadTokenError("sealed with another key")
        algorithm = config.settings.auth.jwt.algorithm
        payload = PyJWS().decode(token, keys.signature, [algorithm])
        return AESGCM(keys.encryption).decrypt(payload[:_NONCE_BYTES], payload[_NONCE_BYTES:], kind.encode())
    except (InvalidTokenError, InvalidTag, ValueError, RecursionError) as error:
        raise BadTokenError("not sealed by us") from error


def _accepted(kind: Kind) -> list[_Keys]:
    return [_keys(secret, kind) for secret in _secrets()]


def _read(text: bytes) -> Claims:
    try:
        return Claims.model_validate_json(text)
    except ValidationError as error:
        # the errors of pydantic quote their input
        raise BadTokenError("not the claims of a token") from error.__cause__
