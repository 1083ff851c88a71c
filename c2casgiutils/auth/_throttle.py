"""Throttling of wrong credentials: counted by address, by the networks around it, and in total.

The counts are shared through Redis; if it is not configured or unreachable, each process has its own.

An address that reached its limit must wait, even with a right credential. When the total limit is reached,
the strength of the credential decides: a strong one is still checked for every address that did not send a
wrong one, so that an attacker cannot lock out the operators. A weak one is checked only for addresses that
recently sent it correctly, as an attacker with enough addresses could guess it.
"""

import asyncio
import contextlib
import hashlib
import ipaddress
import logging
import math
import secrets
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi import HTTPException, Request

from c2casgiutils import config
from c2casgiutils._errors import C2cError
from c2casgiutils.auth import _audit, _counts, _shared, _state
from c2casgiutils.auth._counts import TOTAL, Count
from c2casgiutils.config.auth import is_weak_secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOGGER = logging.getLogger(__name__)

_NETWORKS_OF_IPV6 = {64: 1, 56: 2, 48: 4}
"""The limit of a network as a multiple of the limit of one address, by the bits of its prefix.

A host has a network of 64 bits, a household or company one of 56 or 48 bits (RFC 6177).
"""
_MAX_THROTTLED = 10_000
_MAX_TURN_SECONDS = 5.0
_LATELY_SECONDS = 7 * 86400
_NOTED_SECONDS = 3600.0


class TooManyAttemptsError(C2cError, HTTPException):
    """429: too many wrong credentials; `Retry-After` says when to try again."""

    def __init__(self, seconds: float) -> None:
        retry = str(max(1, math.ceil(seconds)))
        super().__init__(429, "Too many wrong credentials, try again later", {"Retry-After": retry})


def _limits(request: Request) -> dict[str, int]:
    """Return the names under which a client is counted, the narrowest first, and the limit of each.

    They are the address of the peer, and for IPv6 the networks around it.
    """
    limit = config.settings.auth.throttle_per_client
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return {host[:100]: limit}
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return {
            str(ipaddress.ip_network((int(address), bits), strict=False)): limit * times
            for bits, times in _NETWORKS_OF_IPV6.items()
        }
    return {str(getattr(address, "ipv4_mapped", None) or address): limit}


@contextlib.asynccontextmanager
async def turn(request: Request) -> AsyncIterator[str]:
    """Process the credentials of a client one at a time, unless the client has to wait.

    Otherwise many could be checked concurrently before the first one is counted.

    Yields:
        The name of the client.

    Raises:
        TooManyAttemptsError: The client has to wait.
    """
    client = next(iter(_limits(request)))
    lock = _state.current().turns.setdefault(client, asyncio.Lock())
    try:
        async with asyncio.timeout(_MAX_TURN_SECONDS):
            await lock.acquire()
    except TimeoutError:
        raise TooManyAttemptsError(1) from None
    try:
        await check(request)
        yield client
    finally:
        lock.release()


async def count_wrong(request: Request, credential: str, reason: str = "") -> None:
    """Count and record a wrong credential.

    credential: The kind of credential, for the audit log.
        request: The request.
        credential: The kind of credential, for the record.
        reason: Why it was refused, if it is not simply wrong.

    Raises:
        TooManyAttemptsError: The client sent too many wrong credentials.
    """
    limits = _limits(request)
    _refuse_throttled(limits)
    counts = await _counts.increment([*limits, TOTAL])
    reached = {name: counts[name] for name, limit in limits.items() if counts[name].number >= limit}
    _note_throttled(reached)
    is_over = any(count.number > limits[name] for name, count in reached.items())
    if is_over or counts[TOTAL].number > config.settings.auth.throttle_total:
        # not recorded: a flood would displace all other events of the audit log
        _LOGGER.debug("A client sends too many wrong credentials")
        raise _refusal([*reached.values(), counts[TOTAL]])
    result = "refused, throttled from now on" if reached else "refused"
    if reason:
        result = f"{result}: {reason}"
    await _audit.record("auth.sign_in", request=request, target=credential, result=result, kind="refusals")


async def is_right(request: Request, given: bytes, expected: str) -> bool:
    """Return whether a secret is the expected one; if not, call `count_wrong`.

    Args:
        request: The request.
        given: The secret to check.
        expected: The expected secret.

    Raises:
        TooManyAttemptsError: The client has to wait, whether the secret is right or not.
    """
    is_weak = is_weak_secret(expected)
    if is_weak:
        # before the comparison, so that nothing depends on its result
        await check(request, is_weak=True)
    # in constant time, so that neither the length of the secret nor the first difference can be measured
    left, right = hashlib.sha256(given).digest(), hashlib.sha256(expected.encode()).digest()
    if not secrets.compare_digest(left, right):
        return False
    # after the comparison, so that of many concurrent guesses those beyond the limit learn nothing
    await check(request, is_weak=is_weak)
    if is_weak:
        await _note_right(request)
    return True


async def check(request: Request, *, is_weak: bool = False) -> None:
    """Raise if a client has to wait.

    Args:
        request: The request.
        is_weak: The credential could be guessed.

    Raises:
        TooManyAttemptsError: The client has to wait.
    """
    limits = _limits(request)
    _refuse_throttled(limits)
    counts = await _counts.look([*limits, TOTAL])
    reached = {name: counts[name] for name, limit in limits.items() if counts[name].number >= limit}
    _note_throttled(reached)
    if reached:
        raise _refusal([*reached.values()])
    if counts[TOTAL].number < config.settings.auth.throttle_total:
        return
    client = next(iter(limits))
    if (await _came_in_lately(client)) if is_weak else not counts[client].number:
        return
    raise _refusal([counts[TOTAL]])


def _refusal(counts: list[Count]) -> TooManyAttemptsError:
    return TooManyAttemptsError(max(count.seconds_left for count in counts))


def _refuse_throttled(limits: dict[str, int]) -> None:
    """Reject clients that are known to have to wait, without using Redis, which may not reply."""
    throttled = _state.current().throttled
    left = max(throttled.get(name, 0.0) for name in limits) - time.monotonic()
    if left > 0:
        raise TooManyAttemptsError(left)


def _note_throttled(reached: dict[str, Count]) -> None:
    throttled, now = _state.current().throttled, time.monotonic()
    for name, count in reached.items():
        if len(throttled) >= _MAX_THROTTLED:
            ended = [each for each, ends_at in throttled.items() if ends_at <= now]
            for each in ended or [next(iter(throttled))]:
                del throttled[each]
        throttled[name] = now + count.seconds_left


async def _note_right(request: Request) -> None:
    """Remember that the client sent a correct weak secret."""
    client, came_in = next(iter(_limits(request))), _state.current().came_in
    if came_in.get(client, _NOTED_SECONDS):
        return
    came_in.put(client, value=True)

    async def note(redis: "Redis") -> bool:
        return bool(await redis.set(_came_in_key(client), 1, ex=_LATELY_SECONDS))

    await _shared.attempt(note)


async def _came_in_lately(client: str) -> bool:
    if _state.current().came_in.get(client, _LATELY_SECONDS):
        return True

    async def look(redis: "Redis") -> bool:
        return bool(await redis.exists(_came_in_key(client)))

    return bool(await _shared.attempt(look))


def _came_in_key(client: str) -> str:
    return _shared.key(f"came_in_{client}")
