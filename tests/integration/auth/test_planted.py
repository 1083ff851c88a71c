"""What somebody who can write to Redis plants there, where the messages are signed."""

import contextlib
from collections.abc import Callable, Iterator

import httpx
import pytest
import redis

from c2casgiutils import config
from c2casgiutils.auth import _tokens
from c2casgiutils.redis_utils import Signer
from tests.support.auth import COOKIE, KEY, SECRET
from tests.support.processes import RedisServer, Uvicorn

BROADCAST_SECRET = "the secret of the messages"
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__AUTH__JWT__COOKIE__SECURE": "False",
    "C2C__INSTANCES__HEARTBEAT": "1h",
    "C2C__REDIS__BROADCAST_SECRET": BROADCAST_SECRET,
    "C2C__REDIS__BROADCAST_PREFIX": "planted_",
}
ADMIN = {"X-API-Key": SECRET}


@pytest.fixture(scope="module")
def _servers(_redis_server: RedisServer) -> Iterator[list[str]]:
    environment = {**ENVIRONMENT, "C2C__REDIS__URL": _redis_server.url}
    with (
        Uvicorn("tests.support.auth_app:app", env=environment) as first,
        Uvicorn("tests.support.auth_app:app", env=environment) as second,
    ):
        yield [first.url, second.url]


@pytest.fixture
def clients(_servers: list[str], redis_server: RedisServer) -> Iterator[list[httpx.Client]]:
    """Clients of two processes."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(httpx.Client(base_url=url, timeout=20)) for url in _servers]


@pytest.fixture
def attacker(redis_server: RedisServer) -> Iterator["redis.Redis"]:
    """A client that may write everything."""
    with redis_server.client() as client:
        yield client


def sign_in(client: httpx.Client) -> str:
    """Return the identifier of the session, which only the servers can read."""
    client.post("/c2c/auth/login", data={"secret": SECRET})
    config.settings = config.Settings(auth={"secret": SECRET, "jwt": {"secret": KEY}})
    return _tokens.unseal(_tokens.Kind.SESSION, client.cookies[COOKIE], longest_seconds=10**9).jti


def signed(secret: str, place: str) -> bytes:
    return Signer("c2casgiutils revocations", secret).sign(place, b"9999999999")


PLANTED: dict[str, Callable[["redis.Redis", str], object]] = {
    "a number": lambda attacker, key: attacker.set(key, 1),
    "unsigned": lambda attacker, key: attacker.set(key, b"-\n9999999999"),
    "other secret": lambda attacker, key: attacker.set(key, signed("another", key)),
    "of another session": lambda attacker, key: attacker.set(key, signed(BROADCAST_SECRET, f"{key}x")),
    "not text": lambda attacker, key: attacker.set(key, b"\xff\xfe"),
    "no string": lambda attacker, key: attacker.rpush(key, "1"),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_unsigned_sign_outs_are_ignored(
    clients: list[httpx.Client], attacker: "redis.Redis", plant: Callable[["redis.Redis", str], object]
) -> None:
    """The attack: an entry that ends the session of somebody else."""
    first, second = clients
    plant(attacker, f"planted_auth_used_{sign_in(first)}")
    kept = {"Cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    for client in (first, second, first):
        assert client.get("/c2c/read", headers=kept).status_code == 200


def test_signed_sign_outs_reach_the_others(clients: list[httpx.Client], attacker: "redis.Redis") -> None:
    """Also one that takes the place of what was planted before."""
    first, second = clients
    attacker.set(f"planted_auth_used_{sign_in(first)}", 1)
    kept = {"Cookie": f"{COOKIE}={first.cookies[COOKIE]}"}
    first.post("/c2c/auth/logout")
    assert second.get("/c2c/read", headers=kept).status_code == 403


def test_nonsense_in_the_record(clients: list[httpx.Client], attacker: "redis.Redis") -> None:
    """Entries that are not text or not ours are left out, the others are shown."""
    first, second = clients
    sign_in(first)
    attacker.xadd("planted_audit", {"event": b"\xff"})
    attacker.xadd("planted_audit", {b"\xfe": b"\xff"})
    attacker.xadd("planted_audit", {"event": "{}"})
    reply = second.get("/c2c/audit", headers=ADMIN).json()
    assert (reply["scope"], [event["action"] for event in reply["events"]]) == ("cluster", ["auth.sign_in"])


def test_record_that_is_too_long(clients: list[httpx.Client], attacker: "redis.Redis") -> None:
    """The next event trims it, and is shown."""
    first, second = clients
    with attacker.pipeline() as pipeline:
        for number in range(5000):
            pipeline.xadd("planted_audit", {"event": str(number)})
        pipeline.execute()
    sign_in(first)
    assert attacker.xlen("planted_audit") == 900
    (event,) = second.get("/c2c/audit", headers=ADMIN).json()["events"]
    assert event["action"] == "auth.sign_in"


def test_record_that_is_no_stream(clients: list[httpx.Client], attacker: "redis.Redis") -> None:
    """The process answers what it knows itself."""
    first, _ = clients
    attacker.set("planted_audit", "x")
    sign_in(first)
    reply = first.get("/c2c/audit", headers=ADMIN)
    assert (reply.status_code, reply.json()["scope"]) == (200, "process")


def test_count_that_is_not_text(clients: list[httpx.Client], attacker: "redis.Redis") -> None:
    """The right secret is still right."""
    first, _ = clients
    first.get("/c2c/read", headers={"X-API-Key": "wrong"})
    counts = list(attacker.scan_iter("planted_auth_wrong_*"))
    assert counts
    for key in counts:
        attacker.set(key, b"\xff")
    assert first.get("/c2c/read", headers=ADMIN).status_code == 200
