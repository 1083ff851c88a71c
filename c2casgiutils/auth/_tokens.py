"""Sealed tokens: their holder can neither read nor change them.

A token is a JSON Web Signature (RFC 7515) whose payload is claims (RFC 7519) encrypted with AES-256-GCM. Each
kind of token has its own keys, derived with HKDF (RFC 5869) from one secret: no token is valid as another
kind.
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
    """The purpose of a token."""

    SESSION = "session"
    GITHUB_STATE = "github-state"
    GITHUB_REFRESH = "github-refresh"


class BadTokenError(C2cError, ValueError):
    """The token is not ours, not of this kind, modified, or not valid now."""


class Claims(BaseModel):
    """The content of a token; `data` depends on the kind, all times are seconds since the epoch."""

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
    """Make guessing slow, as the shared secret may be short and cookies can be attacked offline."""
    salt = b"c2casgiutils session key"
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()


def _secrets() -> list[str]:
    """Return the accepted secrets; the first one is used for signing.

    Raises:
        BadTokenError: No secret is configured.
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
        length: Length of the key, in bytes.
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
    """Return a hash that only this deployment can compute, to compare a value without storing it.

    Raises:
        BadTokenError: No key is configured.
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
    """Return a new identifier of 128 random bits."""
    return secrets.token_urlsafe(16)


def seal(kind: Kind, claims: dict[str, Any]) -> str:
    """Encrypt and sign claims as they are; use `make` to build complete ones.

    Raises:
        BadTokenError: No key is configured.
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
    """Create a token.

    Args:
        kind: Its purpose.
        subject: Whom it is about.
        data: Its content.
        expires_at: When it expires, in seconds since the epoch.
        token_id: The identifier, to keep the one of the token that this one replaces.

    Raises:
        BadTokenError: No key is configured.
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
    """Decrypt a token and verify all its claims.

    Args:
        kind: The expected kind.
        token: The token.
        longest_seconds: Maximum lifetime of such a token.

    Raises:
        BadTokenError: The token is not valid; the text says why without quoting it.
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
        # of the header only the id of the key is used, never an address, file or algorithm of its choice
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
