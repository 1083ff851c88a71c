"""Several processes with one Redis share sessions, sign-outs, lockouts, refreshed tokens and the record."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from c2casgiutils import auth, config, redis_utils
from c2casgiutils.auth import _audit, _counts, _revocations, _shared, _state
from c2casgiutils.auth.github import _oauth
from c2casgiutils.auth.github._client import GitHubUnavailableError, TokenRefusedError, fingerprint
from tests.support.auth import (
    COOKIE,
    KEY,
    SECRET,
    ask_github,
    github_sign_in,
    make_app,
    make_client,
)
from tests.support.fake_github import FakeGitHub
from tests.support.net import eventually
from tests.support.processes import RedisServer, Uvicorn

ENVIRONMENT = {
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__AUTH__JWT__COOKIE__SECURE": "False",
    "C2C__INSTANCES__HEARTBEAT": "1h",
}


@contextlib.contextmanager
def _pair(environment: dict[str, str]) -> Iterator[list[str]]:
    """Two servers that were not started at the same time."""
    with (
        Uvicorn("tests.support.auth_app:app", env={**ENVIRONMENT, **environment}) as first,
        Uvicorn("tests.support.auth_app:app", env={**ENVIRONMENT, **environment}) as second,
    ):
        yield [first.url, second.url]


@pytest.fixture(scope="module")
def _secret_servers(_redis_server: RedisServer) -> Iterator[list[str]]:
    with _pair({"C2C__REDIS__URL": _redis_server.url, "C2C__AUTH__SECRET": SECRET}) as urls:
        yield urls


@pytest.fixture(scope="module")
def _github_servers(_redis_server: RedisServer, _session_github: FakeGitHub) -> Iterator[list[str]]:
    environment = {**_session_github.environment(), "C2C__REDIS__URL": _redis_server.url}
    with _pair(environment) as urls:
        yield urls


@pytest.fixture
async def secret_pair(
    _secret_servers: list[str], redis_server: RedisServer
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two processes in secret mode."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(httpx.AsyncClient(base_url=url)) for url in _secret_servers]


@pytest.fixture
async def github_pair(
    _github_servers: list[str], github: FakeGitHub, redis_server: RedisServer
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two processes in GitHub mode."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(httpx.AsyncClient(base_url=url)) for url in _github_servers]


async def test_shared_sessions(secret_pair: list[httpx.AsyncClient]) -> None:
    """P04: a session of one process counts in the other one, its sign-out too."""
    first, second = secret_pair
    await first.post("/c2c/auth/login", data={"secret": SECRET})
    kept = {"Cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    assert (await second.get("/c2c/read", headers=kept)).status_code == 200
    await first.post("/c2c/auth/logout")
    assert (await second.get("/c2c/read", headers=kept)).status_code == 403


async def test_sign_outs_that_redis_lost(redis_server: RedisServer) -> None:
    """Who knows of them refuses the session, and stores them again for the others."""
    of_its_own = {"C2C__INSTANCES__HEARTBEAT": "1", "C2C__REDIS__BROADCAST_PREFIX": "lost_"}
    environment = {"C2C__REDIS__URL": redis_server.url, "C2C__AUTH__SECRET": SECRET, **of_its_own}
    with _pair(environment) as urls, redis_server.client() as admin:
        async with (
            httpx.AsyncClient(base_url=urls[0]) as first,
            httpx.AsyncClient(base_url=urls[1]) as second,
        ):

            async def are_both_known() -> bool:  # only who was in the roster notices that Redis lost it
                fields = map(str, admin.hkeys("lost_instances"))
                return sum(field.endswith("/static") for field in fields) == len(urls)

            await eventually(are_both_known, what="both processes in the roster")
            sessions = []
            for _ in range(2):
                await first.post("/c2c/auth/login", data={"secret": SECRET})
                sessions.append({"Cookie": f"{COOKIE}={first.cookies[COOKIE]}"})
                await first.post("/c2c/auth/logout")
            assert (await second.get("/c2c/read", headers=sessions[0])).status_code == 403
            admin.flushall()
            assert (await second.get("/c2c/read", headers=sessions[0])).status_code == 403

            async def is_stored() -> bool:
                return len(list(admin.scan_iter("lost_*auth_used_*"))) == len(sessions)

            await eventually(is_stored, what="the sign-outs in Redis")
            assert (await second.get("/c2c/read", headers=sessions[1])).status_code == 403


async def test_shared_lockout(redis_server: RedisServer) -> None:
    """J41: wrong secrets at all processes count together."""
    environment = {"C2C__REDIS__URL": redis_server.url, "C2C__AUTH__SECRET": SECRET}
    with _pair(environment) as urls:  # of its own: these processes remember who has to wait
        async with httpx.AsyncClient() as client:
            for number in range(21):
                url = f"{urls[number % 2]}/c2c/read"
                response = await client.get(url, headers={"X-API-Key": "wrong"})
                assert response.status_code == (403 if number < 20 else 429)
            for url in urls:
                response = await client.get(f"{url}/c2c/read", headers={"X-API-Key": SECRET})
                assert response.status_code == 429
                assert 0 < int(response.headers["retry-after"]) <= 60


async def test_shared_record(secret_pair: list[httpx.AsyncClient]) -> None:
    first, second = secret_pair
    await first.post("/c2c/auth/login", data={"secret": SECRET})
    await second.get("/c2c/read", headers={"X-API-Key": "wrong"})
    for kind, result in (("changes", "ok"), ("refusals", "refused")):
        path = f"/c2c/audit?kind={kind}"
        answer = (await first.get(path, headers={"X-API-Key": SECRET})).json()
        assert answer["scope"] == "cluster"
        assert [event["result"] for event in answer["events"]] == [result]


async def test_sign_in_across_processes(github_pair: list[httpx.AsyncClient], github: FakeGitHub) -> None:
    """A sign-in that one process began ends at the other one, and at one of them only."""
    first, second = github_pair
    location = (await first.get("/c2c/auth/github/login")).headers["location"]
    callback = httpx.URL(await ask_github(location))
    path = callback.raw_path.decode()
    kept = {"Cookie": "; ".join(f"{name}={value}" for name, value in first.cookies.items())}
    # the callback address names the first one: a balancer would hide it
    kept["Host"] = callback.netloc.decode()
    answers = await asyncio.gather(*(each.get(path, headers=kept) for each in (first, second)))
    assert sorted(answer.status_code for answer in answers) == [307, 400]


async def test_refresh_across_processes(github_pair: list[httpx.AsyncClient], github: FakeGitHub) -> None:
    """J33: the refresh token is used once, whichever processes the requests reach."""
    first, second = github_pair
    github.expires_in = 30
    await github_sign_in(first)
    github.calls.clear()
    github.delay_seconds = 0.2
    old = {"Cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    clients = [first, second] * 10
    answers = await asyncio.gather(*(client.get("/c2c/read", headers=old) for client in clients))
    assert {answer.status_code for answer in answers} == {200}
    assert github.calls["/login/oauth/access_token"] == 1


OUTCOMES = {"done": "gho_next", "refused": TokenRefusedError, "unavailable": GitHubUnavailableError}


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_waiting_for_the_process_that_asks(redis_server: RedisServer, outcome: str) -> None:
    """Who comes second gets what the first one gets, whatever it is."""
    settings = {"url": redis_server.url}
    config.settings = config.Settings(redis=settings, auth={"jwt": {"secret": KEY}})
    name = fingerprint("ghr_old")
    assert await _shared.attempt(lambda redis: _oauth._lock(redis, name))
    waiting = asyncio.create_task(_oauth.refreshed("ghr_old"))
    await asyncio.sleep(0.1)
    result = _oauth._seal({"access_token": "gho_next"}) if outcome == "done" else outcome
    assert await _shared.attempt(lambda redis: _oauth._tell(redis, name, result))
    async with asyncio.timeout(30):
        if outcome == "done":
            assert (await waiting)["access_token"] == "gho_next"
            await auth.shutdown()  # as another process
            assert (await _oauth.refreshed("ghr_old"))["access_token"] == "gho_next"
        else:
            with pytest.raises(OUTCOMES[outcome]):  # type: ignore[call-overload]  # the errors of the table
                await waiting


async def test_process_that_asks_and_dies(redis_server: RedisServer) -> None:
    """A result of another key, or none when Redis goes too, is a 503 and no sign-out."""
    settings = {"url": redis_server.url}
    config.settings = config.Settings(redis=settings, auth={"jwt": {"secret": KEY}})
    name = fingerprint("ghr_old")
    await _shared.attempt(lambda redis: _oauth._lock(redis, name))
    await _shared.attempt(lambda redis: _oauth._tell(redis, name, "a.b.c"))
    with pytest.raises(GitHubUnavailableError):
        await _oauth.refreshed("ghr_old")


async def test_no_token_in_redis(
    github_pair: list[httpx.AsyncClient], github: FakeGitHub, redis_server: RedisServer
) -> None:
    """P03: what is shared through Redis holds no token that can be read."""
    github.expires_in = 30
    await github_sign_in(github_pair[0])
    await github_pair[0].get("/c2c/read")
    with redis_server.client() as client:
        keys = [key for key in client.scan_iter("*") if "auth_" in key or "audit" in key]
        held = [client.xrange(key) for key in keys if client.type(key) == "stream"]
    assert len(held) >= 2
    assert "gho_" not in f"{keys}{held}"
    assert "ghr_" not in f"{keys}{held}"


async def test_record_is_capped(redis_server: RedisServer) -> None:
    """The record keeps 900 to 1,000 events; of as many different ones the last."""
    config.settings = config.Settings(redis={"url": redis_server.url})
    for number in range(1010):
        await _audit.record("test", target=str(number))
    scope, events = await _audit.last(1000)
    assert scope == "cluster"
    assert [int(event.target or "") for event in events] == list(range(1009, 100, -1))


async def test_foreign_entry_in_the_record(redis_server: RedisServer) -> None:
    config.settings = config.Settings(redis={"url": redis_server.url})
    await _audit.record("test")
    with redis_server.client() as client:
        client.xadd(redis_utils.scoped("audit"), {"x": "y"})
        client.xadd(redis_utils.scoped("audit"), {"event": "{}"})
    assert [event.action for event in (await _audit.last(10))[1]] == ["test"]


async def test_without_redis_for_a_while() -> None:
    """Redis away: each process watches for itself, and a sign-out of that time reaches the others later."""
    with RedisServer() as server:
        redis = {"url": server.url}
        config.settings = config.Settings(
            redis=redis, auth={"secret": SECRET, "jwt": {"secret": KEY}, "throttle_per_client": 1}
        )
        async with make_client(make_app()) as client:
            await client.post("/c2c/auth/login", data={"secret": SECRET})
            kept = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
            server.kill()
            assert (await client.get("/c2c/read", headers=kept)).status_code == 200
            await client.post("/c2c/auth/logout")
            assert (await client.get("/c2c/read", headers=kept)).status_code == 403
            wrong = [await client.get("/c2c/read", headers={"X-API-Key": "wrong"}) for _ in range(2)]
            assert [answer.status_code for answer in wrong] == [403, 429]
            server.start()

            async def saved() -> bool:
                _state.current().redis_rests_until = 0.0
                await client.get("/c2c/read", headers=kept)
                with server.client() as inspect:
                    return bool(list(inspect.scan_iter("*auth_used_*")))

            await eventually(saved, what="the sign-out in Redis")
            await auth.shutdown()  # as another process
            assert (await client.get("/c2c/read", headers=kept)).status_code == 403


async def test_redis_that_refuses_to_read(caplog: pytest.LogCaptureFixture) -> None:
    """A user without the right to read is an outage that is logged, not "nobody signed out"."""
    with RedisServer() as server, server.client() as client:
        config.settings = config.Settings(redis={"url": server.url})
        client.execute_command("ACL", "SETUSER", "default", "-get")
        assert await _revocations.is_revoked("any session") is False
        await auth.shutdown()
        await redis_utils.aclose()
    assert "Redis does not reply" in caplog.text


async def test_redis_that_hangs() -> None:
    """A Redis that does not answer costs a request a moment, and the next ones nothing."""
    with RedisServer() as server:
        config.settings = config.Settings(
            redis={"url": server.url}, auth={"secret": SECRET, "jwt": {"secret": KEY}}
        )
        server.pause()
        try:
            async with make_client(make_app()) as client, asyncio.timeout(30):
                for _ in range(10):
                    response = await client.get("/c2c/read", headers={"X-API-Key": SECRET})
                    assert response.status_code == 200
        finally:
            server.resume()
        await auth.shutdown()
        await redis_utils.aclose()


async def test_memory_is_bounded() -> None:
    """Neither made-up addresses nor sessions fill the memory."""
    for number in range(10_100):
        await _counts.increment([f"10.0.{number // 256}.{number % 256}", _counts.TOTAL])
    assert len(_state.current().wrong) <= 10_001
    assert (await _counts.look([_counts.TOTAL]))[_counts.TOTAL].number == 10_100
    for number in range(20_100):
        _revocations._remember(_state.current().ended, str(number), 9_999_999_999)
    assert len(_state.current().ended) == 20_000


@pytest.mark.parametrize("ask", [_counts.increment, _counts.look])
async def test_count_that_would_never_end(redis_server: RedisServer, ask: Any) -> None:
    """A count that lost its expiry gets a new one, so that nobody is locked out forever."""
    config.settings = config.Settings(redis={"url": redis_server.url})
    with redis_server.client() as client:
        keys = [_counts._key(name) for name in ("10.1.1.1", _counts.TOTAL)]
        for key in keys:
            client.set(key, 5)
        counts = await ask(["10.1.1.1", _counts.TOTAL])
        assert counts["10.1.1.1"].number == (6 if ask is _counts.increment else 5)
        assert all(0 < client.ttl(key) <= 60 for key in keys)
