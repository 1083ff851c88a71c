"""The connections to sentinels: credentials, TLS, and those that are down."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from c2casgiutils import broadcast, config, redis_utils
from tests.support.certificates import make_certificate
from tests.support.fleet import leave
from tests.support.net import SOON_SECONDS, eventually, free_port
from tests.support.processes import RedisServer
from tests.support.redis_groups import SentinelProcess
from tests.support.starting import start

PASSWORD = "the-password-of-redis"
OTHER = "the-password-of-sentinels"


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    redis_utils.cleanup()
    yield
    await redis_utils.aclose()


@contextlib.contextmanager
def sentinel(*lines: str, password: str | None = PASSWORD) -> Iterator[SentinelProcess]:
    """A master and one sentinel with more lines in its configuration."""
    with RedisServer(password=password) as server:
        authentication = [f"sentinel auth-pass service {password}"] if password else []
        with SentinelProcess(server.port, *authentication, *lines) as process:
            yield process


def configure(*addresses: str, **more: Any) -> None:
    config.settings.redis.sentinels = ",".join(addresses)
    config.settings.redis.servicename = "service"
    for name, value in more.items():
        setattr(config.settings.redis, name, value)


async def answers() -> bool:
    master, _, _ = redis_utils.get()
    assert master is not None
    try:
        return bool(await master.ping())
    except RedisError:
        return False


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("lines", "options", "sentinel_options"),
    [
        pytest.param(
            (f"requirepass {OTHER}",), f"password={PASSWORD}", f"password={OTHER}", id="own-password"
        ),
        pytest.param(
            (f"user app on >{OTHER} allchannels +@all",),
            f"password={PASSWORD}",
            f"username=app,password={OTHER}",
            id="own-user",
        ),
        pytest.param((f"requirepass {PASSWORD}",), f"password={PASSWORD}", "", id="password-of-redis"),
        pytest.param((), f"password={PASSWORD}", "", id="no-password"),
        pytest.param((), f"username=default,password={PASSWORD}", "", id="no-user"),
    ],
)
async def test_credentials(lines: tuple[str, ...], options: str, sentinel_options: str) -> None:
    """A sentinel gets the credentials of its own options, else those of Redis if it wants them."""
    with sentinel(*lines) as process:
        settings = config.Settings(redis={"options": options, "sentinel_options": sentinel_options})
        configure(
            f"127.0.0.1:{process.port}",
            options=settings.redis.options,
            sentinel_options=settings.redis.sentinel_options,
        )
        await eventually(answers, seconds=20, what="an answer of the master")
        assert await redis_utils.get()[2].discover_master("service")  # type: ignore[union-attr]  # not None


async def test_open_sentinel_and_a_user_of_redis() -> None:
    """A sentinel that does not know the user of Redis is asked without credentials."""
    with sentinel() as process:
        configure(f"127.0.0.1:{process.port}", options={"username": "app", "password": OTHER})
        found: Any = redis_utils.get()[2]

        async def knows() -> bool:
            try:
                return bool(await found.discover_master("service"))
            except RedisError:
                return False

        await eventually(knows, seconds=20, what="the sentinel")


async def test_tls(tmp_path: Path) -> None:
    """A sentinel is reached over TLS, while Redis is not."""
    certificate, key = make_certificate(tmp_path, 1)
    port = free_port()
    lines = ("port 0", f"tls-port {port}", f"tls-cert-file {certificate}", f"tls-key-file {key}")
    with sentinel(*lines, "tls-auth-clients no", f"tls-ca-cert-file {certificate}"):
        configure(
            f"localhost:{port}",
            options={"password": PASSWORD},
            sentinel_options={"ssl": True, "ssl_ca_certs": str(certificate)},
        )
        await eventually(answers, seconds=20, what="an answer of the master")


@pytest.mark.parametrize("number", [1, 2], ids=["one", "two"])
async def test_silent_sentinels_first(number: int) -> None:
    """Clients and the broadcast do not wait for the timeouts of sentinels that are down."""
    options = {"password": PASSWORD, "socket_connect_timeout": 300, "socket_timeout": 300}
    with sentinel() as process, contextlib.ExitStack() as stack:
        silent = [f"127.0.0.1:{stack.enter_context(silent_port())}" for _ in range(number)]
        refusing = f"127.0.0.1:{free_port()}"
        configure(f"127.0.0.1:{process.port}", options=options)
        await eventually(answers, what="an answer of the master")
        await redis_utils.aclose()
        configure(*silent, refusing, f"127.0.0.1:{process.port}", options=options)
        async with asyncio.timeout(SOON_SECONDS):
            assert await answers()
        await redis_utils.aclose()  # which sentinel has answered is forgotten
        broadcast.cleanup()
        await start()
        await leave()


async def test_all_sentinels_silent() -> None:
    """Without any answer the error comes in time, names the sentinels, and tells no password."""
    with silent_port() as port:
        configure(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}", sentinel_options={"password": OTHER})
        master, _, _ = redis_utils.get()
        assert master is not None
        async with asyncio.timeout(30):
            with pytest.raises(RedisError, match=f"127.0.0.1:{port}") as caught:
                await master.ping()
        assert OTHER not in str(caught.value)


@pytest.mark.parametrize("options", [{"nonsense": 1}, {"retry": OTHER}], ids=["name", "value"])
async def test_wrong_option_is_an_error_that_names_the_setting(options: dict[str, Any]) -> None:
    """An option that redis-py does not accept is told with the setting it stands in, without its value."""
    configure("127.0.0.1:26379", options={"socket_timeout": 5}, sentinel_options=options)
    with pytest.raises(ValueError, match="C2C__REDIS__SENTINEL_OPTIONS: ") as caught:
        redis_utils.get()
    assert OTHER not in str(caught.value)
