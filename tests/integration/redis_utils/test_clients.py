"""The clients of `redis_utils`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from c2casgiutils import broadcast, config, redis_utils
from tests.support.net import eventually, free_port
from tests.support.processes import RedisServer
from tests.support.starting import start


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    redis_utils.cleanup()
    yield
    await redis_utils.aclose()


def _master() -> Any:
    master, _, _ = redis_utils.get()
    assert master is not None
    return master


async def test_nothing_configured() -> None:
    assert redis_utils.get() == (None, None, None)
    redis_utils.cleanup()
    await redis_utils.aclose()


async def test_one_client_for_reading_and_writing(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    master, slave, sentinel = redis_utils.get()
    assert master is slave
    assert sentinel is None
    assert redis_utils.get()[0] is master
    await _master().set("é", "ü")
    assert await _master().get("é") == "ü"


async def test_sentinel_without_service_name_is_an_error() -> None:
    config.settings.redis.sentinels = "127.0.0.1:26379"
    with pytest.raises(ValueError, match="C2C__REDIS__SERVICENAME"):
        redis_utils.get()


@pytest.mark.parametrize("setting", ["url", "sentinels", "cluster"])
async def test_unknown_option_is_an_error(setting: str) -> None:
    if setting == "sentinels":
        config.settings.redis.sentinels = "127.0.0.1:26379"
        config.settings.redis.servicename = "service"
    config.settings.redis.url = "redis://127.0.0.1:1"
    config.settings.redis.cluster = setting == "cluster"
    config.settings.redis.options = {"nonsense": 1}
    with pytest.raises(ValueError, match=r"C2C__REDIS__OPTIONS: .*nonsense"):
        redis_utils.get()


async def test_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with RedisServer("--unixsocket", str(path)):
        config.settings.redis.url = f"unix://{path}?db=2"
        await _master().set("key", "value")
        assert await _master().get("key") == "value"
        await start()
        assert broadcast.is_listening()
        await broadcast.shutdown()
        await redis_utils.aclose()


async def test_sentinel_gives_three_clients() -> None:
    config.settings.redis.sentinels = "127.0.0.1:26379, [::1]:26380"
    config.settings.redis.servicename = "service"
    master, slave, sentinel = redis_utils.get()
    assert master is not None
    assert master is not slave
    assert sentinel is not None
    hosts = [client.connection_pool.connection_kwargs["host"] for client in sentinel.sentinels]
    assert hosts == ["127.0.0.1", "::1"]


async def test_options_reach_the_connections(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    config.settings.redis.db = 3
    config.settings.redis.options = {"socket_timeout": 7, "max_connections": 2, "client_name": "mine"}
    options = _master().connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["db"]) == (7, 3)
    assert await _master().client_getname() == "mine"
    assert _master().connection_pool.max_connections == 2


async def test_option_for_tls_changes_the_connection(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    config.settings.redis.options = {"ssl": True, "ssl_cert_reqs": "none"}
    with pytest.raises(RedisError):
        await _master().ping()
    assert _master().connection_pool.connection_class.__name__ == "SSLConnection"


async def test_database_of_the_url_wins(redis_server: RedisServer) -> None:
    config.settings.redis.url = f"{redis_server.url}/4"
    config.settings.redis.db = 3
    assert _master().connection_pool.connection_kwargs["db"] == 4


async def test_callers_wait_for_a_free_connection(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    config.settings.redis.options = {"max_connections": 2, "socket_connect_timeout": 30}
    assert await asyncio.gather(*(_master().ping() for _ in range(200))) == [True] * 200
    with redis_server.client() as client:
        assert len(client.client_list()) <= 3


async def test_killed_connection_is_replaced_unnoticed(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    assert await _master().ping()
    with redis_server.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal")
    assert await _master().ping()


async def test_stopped_redis_is_an_error_in_time() -> None:
    with RedisServer() as server:
        config.settings.redis.url = server.url
        assert await _master().ping()
        server.pause()
        async with asyncio.timeout(30):
            with pytest.raises(RedisError):
                await _master().ping()
        server.resume()


async def test_refused_connection_is_an_error_at_once_and_tells_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    config.settings.redis.url = f"redis://user:the-password@127.0.0.1:{free_port()}"
    async with asyncio.timeout(30):
        with pytest.raises(RedisConnectionError) as caught:
            await _master().ping()
    assert "the-password" not in caplog.text + str(caught.value) + redis_utils.describe(caught.value)


@pytest.mark.parametrize(
    "text",
    ["redis://user:the%2Fpassword@host:1", "the/password", "the%2Fpassword", "AUTH the/password"],
)
def test_description_of_an_error_tells_no_password(text: str) -> None:
    config.settings.redis.url = "redis://user:the%2Fpassword@host:1"
    described = redis_utils.describe(ExceptionGroup("several", [ValueError(text + "\n x")]))
    assert described.startswith("ValueError: ")
    assert "the" not in described


async def test_closed_clients_leave_no_connection(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    await asyncio.gather(*(_master().ping() for _ in range(5)))
    await redis_utils.aclose()
    with redis_server.client() as client:
        assert len(client.client_list()) == 1


async def test_cleanup_closes_without_waiting(redis_server: RedisServer) -> None:
    """New clients come at once, the old connections end soon after, also those that are in use."""
    config.settings.redis.url = redis_server.url
    first = _master()
    waiting = asyncio.create_task(first.blpop("test_never"))
    await asyncio.gather(*(first.ping() for _ in range(5)))
    redis_utils.cleanup()
    assert _master() is not first
    assert await _master().ping()
    with redis_server.client() as client:

        async def are_closed() -> bool:
            return len(client.client_list()) == 2

        await eventually(are_closed, what="only the new connection")
    with pytest.raises(RedisError):
        await waiting


async def test_aclose_waits_for_what_cleanup_closes(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url
    await asyncio.gather(*(_master().ping() for _ in range(5)))
    redis_utils.cleanup()
    redis_utils.cleanup()
    await redis_utils.aclose()
    with redis_server.client() as client:
        assert len(client.client_list()) == 1


def test_each_event_loop_has_its_clients(redis_server: RedisServer) -> None:
    config.settings.redis.url = redis_server.url

    async def use() -> Any:
        await _master().ping()
        client = _master()
        await redis_utils.aclose()
        return client

    assert asyncio.run(use()) is not asyncio.run(use())
