"""Guessing the shared secret: from one address, from many, from the networks of an attacker."""

import contextlib
from collections.abc import Iterator

import httpx
import pytest

from tests.support.auth import KEY
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn
from tests.support.proxied_app import ENVIRONMENT

STRONG = "correct horse battery staple"
WEAK = "a"
VIEW = "/c2c/logging/level?name=x"


@contextlib.contextmanager
def served(secret: str, **environment: str) -> Iterator[httpx.Client]:
    """An application with a shared secret, and a client of it."""
    settings = {"C2C__AUTH__SECRET": secret, "C2C__AUTH__JWT__SECRET": KEY, **environment}
    with (
        Uvicorn("tests.support.proxied_app:app", env={**ENVIRONMENT, **settings}) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        yield client


def guess(client: httpx.Client, secret: str, address: str) -> int:
    """The status of a request with a secret from an address."""
    headers = {"X-API-Key": secret, "X-Forwarded-For": address}
    return client.get(VIEW, headers=headers).status_code


def guess_from_many(client: httpx.Client) -> None:
    """The attack: 900 wrong secrets from 100 addresses."""
    statuses = [guess(client, f"wrong {number}", f"198.51.100.{number % 100}") for number in range(900)]
    assert statuses.count(403) == 200
    assert set(statuses[200:]) == {429}


def test_nobody_locks_out_who_knows_a_strong_secret() -> None:
    """Beyond the common limit a right secret of 16 characters still counts, from any other address."""
    with served(STRONG) as client:
        assert guess(client, STRONG, "203.0.113.1") == 200
        guess_from_many(client)
        assert guess(client, STRONG, "203.0.113.1") == 200
        assert guess(client, STRONG, "203.0.113.2") == 200
        assert guess(client, "wrong", "203.0.113.2") == 429
        assert guess(client, STRONG, "198.51.100.1") == 429


@pytest.mark.parametrize("secret", [WEAK, "change-me-change-me-change-me", "abababababababababababab"])
def test_a_weak_secret_is_not_compared_for_strangers(secret: str) -> None:
    """Beyond the common limit only the addresses that came in lately are heard."""
    with served(secret) as client:
        assert guess(client, secret, "203.0.113.1") == 200
        guess_from_many(client)
        assert guess(client, secret, "203.0.113.2") == 429
        assert guess(client, secret, "203.0.113.1") == 200


def test_processes_share_who_came_in(redis_server: RedisServer) -> None:
    """An address that came in at one process is heard at the other one, also by its signs in Redis alone."""
    redis = {"C2C__REDIS__URL": redis_server.url}
    with served(WEAK, **redis) as first, served(WEAK, **redis) as second:
        assert guess(first, WEAK, "203.0.113.1") == 200
        guess_from_many(first)
        assert guess(second, WEAK, "203.0.113.2") == 429
        assert guess(second, WEAK, "203.0.113.1") == 200


@pytest.mark.parametrize(
    ("network", "addresses", "admitted"),
    [
        ("/64", [f"2001:db8:1:1::{number + 1:x}" for number in range(25)], 20),
        ("/56", [f"2001:db8:1:1{number % 16:02x}::{number + 1:x}" for number in range(50)], 40),
        ("/48", [f"2001:db8:1:{number:02x}00::1" for number in range(100)], 80),
    ],
)
def test_networks_of_ipv6(network: str, addresses: list[str], admitted: int) -> None:
    """An attacker has all addresses of a network: its next address waits too, the next /48 does not."""
    with served(STRONG) as client:
        statuses = [guess(client, "wrong", address) for address in addresses]
        assert statuses == [403] * admitted + [429] * (len(addresses) - admitted)
        fresh = {"/64": "2001:db8:1:1::ffff", "/56": "2001:db8:1:1ff::1", "/48": "2001:db8:1:ffff::1"}
        assert guess(client, STRONG, fresh[network]) == 429
        assert guess(client, STRONG, "2001:db8:2::1") == 200


def test_an_address_that_waits_asks_redis_nothing() -> None:
    """It neither loads Redis nor waits for one that does not answer."""
    with RedisServer() as redis, served(STRONG, C2C__REDIS__URL=redis.url) as client:
        for _ in range(20):
            assert guess(client, "wrong", "198.51.100.1") == 403
        with redis.client() as inspect:
            before = inspect.info("commandstats")
            for secret in ("wrong", STRONG) * 20:
                assert guess(client, secret, "198.51.100.1") == 429
            after = inspect.info("commandstats")
            asked = {"cmdstat_incr", "cmdstat_set", "cmdstat_get", "cmdstat_ttl"}
            for name in asked & after.keys():
                assert after[name]["calls"] == before[name]["calls"], name
        redis.pause()
        try:
            client.timeout = httpx.Timeout(0.9)  # the first question to a Redis that hangs takes a second
            assert guess(client, STRONG, "198.51.100.1") == 429
        finally:
            redis.resume()


@pytest.mark.parametrize("kind", ["text", "list", "huge"])
def test_a_count_that_is_not_a_number(redis_server: RedisServer, kind: str) -> None:
    """Who writes nonsense into Redis causes no error; the count starts anew."""
    with served(STRONG, C2C__REDIS__URL=redis_server.url) as client, redis_server.client() as inspect:
        assert guess(client, "wrong", "198.51.100.1") == 403
        counts = list(inspect.scan_iter("*wrong_*"))
        assert len(counts) == 2
        for key in counts:
            inspect.delete(key)
            if kind == "list":
                inspect.rpush(key, "1")
            else:
                inspect.set(key, "NaN" if kind == "text" else "9" * 5000)
        assert guess(client, STRONG, "198.51.100.1") == 200
        assert guess(client, "wrong", "198.51.100.1") == 403
        assert {inspect.get(key) for key in counts} == {"1"}
        assert all(0 < inspect.ttl(key) <= 60 for key in counts)


def test_weak_secrets_are_warned_about() -> None:
    """Whatever else is set; the secret is not in the log."""
    with Uvicorn(
        "tests.support.proxied_app:app",
        env={**ENVIRONMENT, "C2C__AUTH__SECRET": "changeme-2026-x9-2026", "C2C__AUTH__JWT__SECRET": KEY},
    ) as server:
        wait_for(lambda: "C2C__AUTH__SECRET is short or well known" in server.output, what="the warning")
        assert "changeme" not in server.output
