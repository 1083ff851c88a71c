"""Guessing is slow: wrong credentials are counted for each address and in all.

The counts are shared through Redis, each process counts for itself when there is none or it does not answer.
An address that reached its limit waits, also with a right secret. When the limit of all is reached, every
address that guessed wrong waits; others still come in.
"""

import ipaddress
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from fastapi import HTTPException, Request

from c2casgiutils import config
from c2casgiutils._errors import C2cError
from c2casgiutils.auth import _audit, _shared, _state

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOGGER = logging.getLogger(__name__)

_WINDOW_SECONDS = 60
_MAX_ADDRESSES = 10_000
_TOTAL = "total"


class _Counts(NamedTuple):
    client: int
    total: int
    seconds_left: int


class Window:
    """The wrong credentials of one address since the first of them."""

    __slots__ = ("count", "ends_at")

    def __init__(self, ends_at: float) -> None:
        self.count = 0
        self.ends_at = ends_at


class TooManyAttemptsError(C2cError, HTTPException):
    """429: too many wrong credentials; `Retry-After` says when to come back."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            429, "Too many wrong credentials, try again later", {"Retry-After": str(max(1, seconds))}
        )


def client_of(request: Request) -> str:
    """Who is counted: the address of the peer; for IPv6 its network of 64 bits, which one host gets."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


async def count_wrong(request: Request, credential: str, reason: str = "") -> None:
    """Count and record a wrong credential.

    Args:
        request: The request.
        credential: The kind of credential, for the record.
        reason: Why it was refused, where it is not just wrong.

    Raises:
        TooManyAttemptsError: The client sent too many wrong ones.
    """
    client = client_of(request)
    counts = await _shared.attempt(lambda redis: _count_shared(redis, client)) or _count_here(client)
    auth = config.settings.auth
    if counts.client > auth.throttle_per_client or counts.total > auth.throttle_total:
        # not recorded: a flood would push everything else out of the record
        _LOGGER.debug("A client sends too many wrong credentials")
        raise TooManyAttemptsError(counts.seconds_left)
    is_last = counts.client >= auth.throttle_per_client
    result = "refused, throttled from now on" if is_last else "refused"
    if reason:
        result = f"{result}: {reason}"
    await _audit.record("auth.sign_in", request=request, target=credential, result=result)


async def check_right(request: Request) -> None:
    """Let a right credential through unless its address has to wait.

    Raises:
        TooManyAttemptsError: It has.
    """
    client = client_of(request)
    counts = await _shared.attempt(lambda redis: _look_shared(redis, client)) or _look_here(client)
    auth = config.settings.auth
    busy = counts.total >= auth.throttle_total and counts.client > 0
    if counts.client >= auth.throttle_per_client or busy:
        raise TooManyAttemptsError(counts.seconds_left)


def _keys(client: str) -> tuple[str, str]:
    return _shared.key(f"wrong_{client}"), _shared.key(f"wrong_{_TOTAL}")


async def _count_shared(redis: "Redis", client: str) -> _Counts:
    async with redis.pipeline(transaction=False) as pipeline:
        for key in _keys(client):
            pipeline.set(key, 0, ex=_WINDOW_SECONDS, nx=True)
            pipeline.incr(key)
            pipeline.ttl(key)
        answers = await pipeline.execute()
    for key, seconds_left in zip(_keys(client), (answers[2], answers[5]), strict=True):
        if seconds_left < 0:
            # it ended between the first and the second command, which made one that would never end
            await redis.expire(key, _WINDOW_SECONDS)
    return _Counts(answers[1], answers[4], max(answers[2], answers[5]))


async def _look_shared(redis: "Redis", client: str) -> _Counts:
    async with redis.pipeline(transaction=False) as pipeline:
        for key in _keys(client):
            pipeline.get(key)
            pipeline.ttl(key)
        answers = await pipeline.execute()
    return _Counts(int(answers[0] or 0), int(answers[2] or 0), max(answers[1], answers[3]))


def _window(name: str) -> Window | None:
    windows = _state.current().wrong
    window = windows.get(name)
    if window is not None and window.ends_at <= time.monotonic():
        del windows[name]
        return None
    return window


def _look_here(client: str) -> _Counts:
    own, total = _window(client), _window(_TOTAL)
    ends_at = max((window.ends_at for window in (own, total) if window), default=0.0)
    left = round(ends_at - time.monotonic())
    return _Counts(own.count if own else 0, total.count if total else 0, left)


def _count_here(client: str) -> _Counts:
    for name in (client, _TOTAL):
        window = _window(name)
        if window is None:
            _make_room()
            window = _state.current().wrong[name] = Window(time.monotonic() + _WINDOW_SECONDS)
        window.count += 1
    return _look_here(client)


def _make_room() -> None:
    windows = _state.current().wrong
    if len(windows) < _MAX_ADDRESSES:
        return
    now = time.monotonic()
    ended = [name for name, window in windows.items() if window.ends_at <= now]
    # the total stays: it is what stops so many addresses
    for name in ended or [next(name for name in windows if name != _TOTAL)]:
        del windows[name]
