"""Identifiers of tokens that can no longer be used: ended sessions, finished sign-ins.

They are kept until the token would have expired, in the memory of the process and in Redis if configured.
What could not be written to Redis is written at the next check. With `C2C__REDIS__BROADCAST_SECRET` the
entries in Redis are signed and others are ignored: write access to Redis is not sufficient to end sessions.
"""

import itertools
import time
from typing import TYPE_CHECKING, Any

from c2casgiutils import config
from c2casgiutils.auth import _shared, _state
from c2casgiutils.redis_utils import SignatureError, Signer

if TYPE_CHECKING:
    from redis.asyncio import Redis

_MAX_REMEMBERED = 20_000
_MAX_SAVED = 200


def _remember(memory: dict[str, int], token_id: str, expires_at: int) -> None:
    if len(memory) >= _MAX_REMEMBERED:
        now = time.time()
        for old in [old for old, end in memory.items() if end <= now] or [next(iter(memory))]:
            del memory[old]
    memory[token_id] = expires_at


def _key(token_id: str) -> str:
    return _shared.key(f"used_{token_id}")


def _signer() -> Signer:
    return Signer("c2casgiutils revocations", config.settings.redis.broadcast_secret)


def _entry(token_id: str, expires_at: int) -> bytes:
    return _signer().sign(_key(token_id), str(expires_at).encode())


def _is_entry(token_id: str, found: Any) -> bool:
    if not isinstance(found, bytes):  # nothing, or a key of another type
        return False
    try:
        _signer().verify(_key(token_id), found)
    except SignatureError:
        return False
    return True


def _seconds_left(expires_at: int) -> int:
    return max(1, int(expires_at - time.time()) + 1)


async def revoke(token_id: str, expires_at: int) -> None:
    """Revoke a session.

    Args:
        token_id: Its identifier.
        expires_at: When it expires anyway, in seconds since the epoch.
    """
    state = _state.current()
    _remember(state.ended, token_id, expires_at)
    _remember(state.unsaved, token_id, expires_at)
    await is_revoked(token_id)


async def is_revoked(token_id: str) -> bool:
    """Return whether a session was ended, in this process or another one."""
    state = _state.current()
    saving = dict(itertools.islice(state.unsaved.items(), _MAX_SAVED))

    async def ask(redis: "Redis") -> bool:
        async with redis.pipeline(transaction=False) as pipeline:
            for unsaved, expires_at in saving.items():
                pipeline.set(_key(unsaved), _entry(unsaved, expires_at), ex=_seconds_left(expires_at))
            _shared.as_bytes(pipeline, "GET", _key(token_id))
            answers = await pipeline.execute(raise_on_error=False)
        found = answers[-1]
        for answer in answers:
            if isinstance(answer, Exception) and "WRONGTYPE" not in str(answer):
                raise answer
        return _is_entry(token_id, found)

    if token_id in state.ended and not saving:
        return True
    found = await _shared.attempt(ask)
    if found is not None:
        for saved in saving:
            state.unsaved.pop(saved, None)
    return bool(found) or token_id in state.ended


async def consume(token_id: str, expires_at: int) -> bool:
    """Consume the token of a sign-in, and return whether this is its first use.

    Args:
        token_id: Its identifier.
        expires_at: When it expires anyway, in seconds since the epoch.
    """
    finished = _state.current().finished
    if token_id in finished:
        return False
    _remember(finished, token_id, expires_at)

    async def take(redis: "Redis") -> bool:
        entry = _entry(token_id, expires_at)
        return bool(await redis.set(_key(token_id), entry, ex=_seconds_left(expires_at), nx=True))

    return await _shared.attempt(take) is not False
