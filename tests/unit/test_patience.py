"""One bound for all that a request asks of Redis."""

import asyncio

from c2casgiutils import _patience


def test_without_a_bound() -> None:
    """Outside of a request each part has its own time-out."""
    with _patience.waiting(3.0) as seconds:
        assert seconds == 3.0


async def test_parts_share_a_bound() -> None:
    """What one part used, the next one lacks; a last part always gets a little."""
    with _patience.limited(1.0):
        with _patience.waiting(0.5) as first:
            await asyncio.sleep(0.3)
        with _patience.waiting(3.0) as second:
            await asyncio.sleep(0.6)
        with _patience.waiting(3.0) as third:
            pass
    assert first == 0.5
    assert 0.2 <= second <= 0.5
    assert third == 0.2


async def test_requests_do_not_share() -> None:
    """Two requests at the same time have a bound each."""

    async def request() -> float:
        with _patience.limited(1.0):
            with _patience.waiting(0.2):
                await asyncio.sleep(0.1)
            with _patience.waiting(9.0) as left:
                return left

    first, second = await asyncio.gather(request(), request())
    assert min(first, second) > 0.2
