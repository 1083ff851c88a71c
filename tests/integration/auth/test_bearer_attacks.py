"""Made-up bearer tokens over real HTTP: how often they make the application ask GitHub."""

import asyncio
import itertools
from collections.abc import Iterator

import httpx
import pytest

from tests.support.auth import KEY, configure, github_sign_in
from tests.support.fake_github import FakeGitHub
from tests.support.processes import Uvicorn
from tests.support.proxied_app import ENVIRONMENT

VIEW = "/c2c/logging/level?name=x"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def url(_session_github: FakeGitHub) -> Iterator[str]:
    """An application that takes bearer tokens."""
    settings = {"C2C__AUTH__JWT__SECRET": KEY, "C2C__AUTH__GITHUB__BEARER": "True"}
    environment = {**ENVIRONMENT, **_session_github.environment(), **settings}
    with Uvicorn("tests.support.proxied_app:app", env=environment) as server:
        yield server.url


class Attack:
    """Addresses and tokens that no other test uses: the application remembers both for a minute."""

    def __init__(self) -> None:
        self._number = next(_NUMBERS)
        self.attacker, self.other = self.address(1), self.address(2)

    def address(self, last: int) -> str:
        return f"10.99.{self._number}.{last}"

    def tokens(self, count: int) -> list[str]:
        return [f"ghp_{self._number:018}{number:018}" for number in range(count)]


@pytest.fixture
def attack() -> Attack:
    return Attack()


async def send(url: str, tokens: list[str], address: str, *, at_once: bool = False) -> list[int]:
    """The statuses of requests with tokens from an address."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        requests = [
            client.get(VIEW, headers={"Authorization": f"Bearer {token}", "X-Forwarded-For": address})
            for token in tokens
        ]
        if at_once:
            return [answer.status_code for answer in await asyncio.gather(*requests)]
        return [(await request).status_code for request in requests]


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
async def test_throttled_clients_ask_github_nothing(
    github: FakeGitHub, url: str, attack: Attack, at_once: bool
) -> None:
    """The attack: 150 made-up tokens from one address, which made 150 requests to GitHub."""
    statuses = await send(url, attack.tokens(150), attack.attacker, at_once=at_once)
    assert sorted(statuses) == [403] * 20 + [429] * 130
    assert github.calls == {"/user": 20}
    assert await send(url, [github.token()], attack.other) == [200]


async def test_rejected_tokens_are_remembered(github: FakeGitHub, url: str, attack: Attack) -> None:
    """The same token from many addresses is one question."""
    for number in range(30):
        assert await send(url, attack.tokens(1), attack.address(number)) == [403]
    assert github.calls == {"/user": 1}


async def test_a_token_that_github_knows_is_never_throttled(
    github: FakeGitHub, url: str, attack: Attack
) -> None:
    """Who shares the address of an attacker goes on with a token that was seen within a minute."""
    token = github.token()
    assert await send(url, [token], attack.attacker) == [200]
    await send(url, attack.tokens(21), attack.attacker)
    assert await send(url, [token], attack.attacker) == [200]


@pytest.mark.parametrize("kind", ["login attempts", "forbidden", "rate limit", "limited in words"])
async def test_github_that_refuses_to_look(github: FakeGitHub, url: str, attack: Attack, kind: str) -> None:
    """A 403 on `/user` is trouble and not a wrong token; the address waits and others are asked about."""
    github.trouble["/user"] = kind
    statuses = await send(url, attack.tokens(100), attack.attacker)
    assert set(statuses) == {503}
    assert github.calls["/user"] <= 20
    github.trouble.clear()
    assert await send(url, [github.token()], attack.other) == [200]


@pytest.mark.parametrize("kind", ["rate limit", "secondary rate limit", "limited in words"])
async def test_own_rate_limit_keeps_no_revoked_right(
    client: httpx.AsyncClient, github: FakeGitHub, kind: str
) -> None:
    """The attack: to exhaust one's rate limit, so that a revoked right is remembered for minutes."""
    configure(jwt={"secret": KEY}, github=github.settings(permission_ttl="0s"))
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200
    github.repositories["org/repo"].permissions.clear()
    github.trouble["/repos"] = kind
    for _ in range(2):  # also while GitHub is not asked again
        response = await client.get("/c2c/read")
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0


async def test_login_attempts_are_no_missing_right(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """GitHub looks at nobody's token: what was known lately still counts, as in any outage."""
    configure(jwt={"secret": KEY}, github=github.settings(permission_ttl="0s"))
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200
    github.trouble["/repos"] = "login attempts"
    assert (await client.get("/c2c/read")).status_code == 200
    assert (await client.get("/c2c/write")).status_code == 403
