"""Identifiers of tokens that can no longer be used: ended sessions, finished sign-ins.

They are kept until the token would have expired, in the memory of the process and in Redis if configured.
What could not be written to Redis is written at the next check or heartbeat, and what Redis lost, when a
process that knows it notices the loss. With `C2C__REDIS__BROADCAST_SECRET` the
entries in Redis are signed and others are ignored: write access to Redis is not sufficient to end sessions.
"""

import asyncio
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
_MAX_DIGITS = 16


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


def _end_of(token_id: str, found: Any) -> int | None:
    """Return when an ended session would have expired, `None` if it was not ended."""
    if not isinstance(found, bytes):  # nothing, or a key of another type
        return None
    try:
        told = _signer().verify(_key(token_id), found)
    except SignatureError:
        return None
    longest = time.time() + config.settings.auth.jwt.cookie.age.total_seconds()
    is_time = told.isdigit() and len(told) <= _MAX_DIGITS
    return max(1, min(int(told), int(longest))) if is_time else int(longest)


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

    async def ask(redis: "Redis") -> int:
        async with redis.pipeline(transaction=False) as pipeline:
            for unsaved, expires_at in saving.items():
                pipeline.set(_key(unsaved), _entry(unsaved, expires_at), ex=_seconds_left(expires_at))
            _shared.as_bytes(pipeline, "GET", _key(token_id))
            answers = await pipeline.execute(raise_on_error=False)
        found = answers[-1]
        for answer in answers:
            if isinstance(answer, Exception) and "WRONGTYPE" not in str(answer):
                raise answer
        return _end_of(token_id, found) or 0

    if token_id in state.ended and not saving:
        return True
    found = await _shared.attempt(ask)
    if found is not None:
        for saved in saving:
            state.unsaved.pop(saved, None)
    if found:
        _remember(state.ended, token_id, found)  # also if Redis should lose it
    return bool(found) or token_id in state.ended


def save_all() -> None:
    """Store again what this process knows at the next heartbeat, as Redis lost its data."""
    state = _state.current()
    now = time.time()
    state.unsaved.update({token_id: end for token_id, end in state.ended.items() if end > now})


def save_soon(_version: int) -> None:
    """Store what is not in Redis, in a task; called after each heartbeat that Redis accepted."""
    state = _state.current()
    if state.unsaved and (state.saving_ended is None or state.saving_ended.done()):
        state.saving_ended = asyncio.create_task(_save(), name="c2c-sign-outs")


async def _save() -> None:
    state = _state.current()
    left = len(state.unsaved) + 1
    while 0 < len(state.unsaved) < left:
        left = len(state.unsaved)
        await is_revoked(next(iter(state.unsaved)))


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
