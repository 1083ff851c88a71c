"""The next token of a session, asked for once: GitHub takes each refresh token a single time.

Requests that carry the old cookie meanwhile, here or in another process, get its result.
"""

import time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from c2casgiutils.auth import _shared, _state, _tokens
from c2casgiutils.auth._tokens import BadTokenError, Kind
from c2casgiutils.auth.github import _client, _oauth
from c2casgiutils.auth.github._client import GitHubUnavailableError, TokenRefusedError
from c2casgiutils.auth.github._oauth import TokenAnswer

if TYPE_CHECKING:
    from redis.asyncio import Redis

_REMEMBERED_SECONDS = 30
_LOCK_SECONDS = 10
_WAIT_SECONDS = 5.0
_BLOCK_MILLISECONDS = 400
_REFUSED = "refused"
_UNAVAILABLE = "unavailable"


async def refreshed(refresh_token: str) -> dict[str, Any]:
    """The next tokens, as the fields of a session.

    Raises:
        TokenRefusedError: The refresh token is over.
        GitHubUnavailableError: There is no usable answer.
    """
    name = _client.fingerprint(refresh_token)
    github = _state.current().github
    known = github.refreshed.get(name, _REMEMBERED_SECONDS)
    if known is not None:
        return known
    return await github.flights.run(("refresh", name), lambda: _refresh(name, refresh_token))


async def _refresh(name: str, refresh_token: str) -> dict[str, Any]:
    is_first = await _shared.attempt(lambda redis: _lock(redis, name))
    if is_first is False:
        return await _wait(name)
    result = _UNAVAILABLE
    try:
        answer: TokenAnswer = await _oauth.refresh(refresh_token)
        fields = _state.current().github.refreshed.put(name, answer.tokens())
        result = _seal(fields)
    except TokenRefusedError:
        result = _REFUSED
        raise
    finally:
        if is_first:
            await _shared.attempt(lambda redis: _tell(redis, name, result))
    return fields


def _keys(name: str) -> tuple[str, str]:
    return _shared.key(f"refresh_{name}_lock"), _shared.key(f"refresh_{name}")


async def _lock(redis: "Redis", name: str) -> bool:
    lock, result = _keys(name)
    if await redis.exists(result):
        return False
    return bool(await redis.set(lock, 1, nx=True, ex=_LOCK_SECONDS))


async def _tell(redis: "Redis", name: str, result: str) -> bool:
    lock, key = _keys(name)
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.xadd(key, {"result": result}, maxlen=1, approximate=False)
        pipeline.expire(key, 1 if result == _UNAVAILABLE else _REMEMBERED_SECONDS)
        pipeline.delete(lock)
        await pipeline.execute()
    return True


async def _wait(name: str) -> dict[str, Any]:
    """Wait for the process that asks."""
    ends_at = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < ends_at:
        result = await _shared.attempt(lambda redis: _listen(redis, name))
        if result is None:
            break
        if result == _REFUSED:
            raise TokenRefusedError
        if result == _UNAVAILABLE:
            break
        if result:
            return _state.current().github.refreshed.put(name, _unseal(result))
    raise GitHubUnavailableError


async def _listen(redis: "Redis", name: str) -> str:
    _, key = _keys(name)
    if not await redis.xread({key: "0"}, count=1, block=_BLOCK_MILLISECONDS):
        return ""
    # read again: the answer of XREAD differs between versions of the protocol
    entries: Any = await redis.xrevrange(key, count=1)
    return str(entries[0][1]["result"]) if entries else ""


def _seal(fields: dict[str, Any]) -> str:
    expires_at = int(time.time()) + _REMEMBERED_SECONDS
    return _tokens.make(Kind.GITHUB_REFRESH, "refresh", fields, expires_at=expires_at)


def _unseal(result: str) -> dict[str, Any]:
    try:
        return _tokens.unseal(Kind.GITHUB_REFRESH, result, longest_seconds=_REMEMBERED_SECONDS).data
    except (BadTokenError, ValidationError) as error:
        raise GitHubUnavailableError from error
