"""Real servers on free ports."""

from collections.abc import Iterator

import psycopg
import pytest
import redis

from c2casgiutils.acceptance import PostgresqlServer, RedisServer, retry_timeout

PASSWORD = "made-up/p@ss:word"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlServer]:
    with PostgresqlServer("-c", "max_connections=7", password=PASSWORD) as server:
        yield server


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_redis(password: str | None) -> None:
    """The URL is enough to use it, arguments are passed on, and it keeps nothing when it is started again."""
    with RedisServer("--maxmemory", "10mb", password=password) as server:
        directory = server.directory
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            client.set("key", "value")
            assert client.config_get("maxmemory") == {"maxmemory": str(10 * 1024 * 1024)}
        with server.client() as client:
            assert client.get("key") == "value"
        server.restart()
        with server.client() as client:
            assert client.get("key") is None
    assert not server.is_up()
    assert not directory.exists()


def test_a_redis_that_hangs() -> None:
    """A paused server keeps its port and does not answer."""
    with RedisServer() as server:
        server.pause()
        with (
            redis.Redis(port=server.port, socket_timeout=0.2) as client,
            pytest.raises(redis.TimeoutError),
        ):
            client.ping()
        server.resume()
        assert server.is_up()


def test_a_port_in_use() -> None:
    """The error has what the server said."""
    with RedisServer() as server:
        other = RedisServer(port=server.port)
        with pytest.raises(AssertionError, match="Address already in use"), other:
            pass


def test_postgresql(postgresql: PostgresqlServer) -> None:
    """The URL is enough to use it, whatever is in the password, and options are passed on."""
    with psycopg.connect(postgresql.url()) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("7",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    wrong = postgresql.url().replace("made-up", "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_databases(postgresql: PostgresqlServer) -> None:
    """Each is empty and has a name of its own; a name that is taken is an error."""
    names = [postgresql.create_database(), postgresql.create_database(), postgresql.create_database("mine")]
    assert len(set(names)) == 3
    assert names[2] == "mine"
    for name in names:
        with psycopg.connect(postgresql.url(database=name)) as connection:
            connection.execute("CREATE TABLE one (id int)")
    with pytest.raises(AssertionError, match=r'createdb ended with 1\n.*database "mine" already exists'):
        postgresql.create_database("mine")


def test_the_url_of_a_driver(postgresql: PostgresqlServer) -> None:
    address = f"127.0.0.1:{postgresql.port}/other"
    expected = f"postgresql+asyncpg://c2c:made-up%2Fp%40ss%3Aword@{address}"
    assert postgresql.url("postgresql+asyncpg", database="other") == expected


def test_an_outage_of_postgresql(postgresql: PostgresqlServer) -> None:
    """It hangs, goes on, is killed and starts again with its data."""
    name = postgresql.create_database()
    postgresql.pause()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgresql.url(), connect_timeout=2)
    postgresql.resume()
    retry_timeout(postgresql.is_up, interval=0.05)
    postgresql.kill()
    assert not postgresql.is_up()
    postgresql.start()
    with psycopg.connect(postgresql.url(database=name)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_its_files_are_removed() -> None:
    """In the end, and before the start nothing is there."""
    with PostgresqlServer() as server:
        folder = server.data.parent
        assert (server.data / "PG_VERSION").exists()
    assert not folder.exists()


def test_an_option_that_is_wrong() -> None:
    """The error has what the server said."""
    with (
        pytest.raises(AssertionError, match='unrecognized configuration parameter "nonsense"'),
        PostgresqlServer("-c", "nonsense=1"),
    ):
        pass


def test_a_missing_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="redis-server is missing: apt-get install --yes redis-server"):
        RedisServer()
