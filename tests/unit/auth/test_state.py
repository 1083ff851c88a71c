"""What the authentication remembers, and for how long."""

import asyncio

import httpx
import pytest

from c2casgiutils import auth
from c2casgiutils.auth import _state
from tests.support.auth import KEY, SECRET, configure


async def test_start_creates_and_shutdown_drops() -> None:
    """The start creates the state, a second start keeps it, the shutdown drops it."""
    configure(secret=SECRET, jwt={"secret": KEY})
    await auth.startup(None)
    state = _state.STATES.peek()
    assert state is not None
    await auth.startup(None)
    assert _state.current() is state
    await auth.shutdown()
    assert _state.STATES.peek() is None


@pytest.mark.parametrize("turns", [1, 5], ids=["about to start", "started"])
async def test_shutdown_closes_the_connections(turns: int) -> None:
    """The HTTP client is closed, and what waits for GitHub ends, however far it came."""
    github = _state.current().github
    client = github.client = httpx.AsyncClient(verify=False)  # noqa: S501  # it connects to nothing
    waiting = asyncio.create_task(github.flights.run("key", asyncio.Event().wait))
    for _ in range(turns):
        await asyncio.sleep(0)
    await auth.shutdown()
    assert client.is_closed
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_works_without_start(client: httpx.AsyncClient) -> None:
    """An application that includes the views without any start counts wrong secrets all the same."""
    configure(secret=SECRET, jwt={"secret": KEY}, throttle_per_client=1)
    wrong = [await client.get("/c2c/read", headers={"X-API-Key": "wrong"}) for _ in range(2)]
    assert [answer.status_code for answer in wrong] == [403, 429]


def test_each_event_loop_has_its_own() -> None:
    """A new event loop takes nothing over: tasks and connections of a closed one are of no use to it."""

    async def state() -> _state.State:
        return _state.current()

    assert asyncio.run(state()) is not asyncio.run(state())
