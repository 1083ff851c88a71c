"""Maintenance that others wrote to Redis."""

import contextlib
import json
from collections.abc import AsyncIterator

import pytest

import c2casgiutils
from c2casgiutils import config, db, switches
from tests.support.fleet import PREFIX, configure
from tests.support.processes import RedisServer

STORE = f"{PREFIX}switches"
FIELD = "maintenance:"
KEY = "c2c_db_maintenance_force_readonly"


@contextlib.asynccontextmanager
async def joined(server: RedisServer, **settings: str) -> AsyncIterator[None]:
    """Let the test's own process be the service."""
    config.settings.http = True
    configure(server.url, **settings)
    async with c2casgiutils.lifespan():
        yield


@pytest.mark.parametrize(
    "planted",
    [
        *("", "-\n", "\udcff", "x" * 9000, '-\n{"f":1,"version":1e999}', '-\n{"f":1,"value":true}'),
        *("yes", 1, [True], {"": True}, None, False),
    ],
    ids=lambda planted: repr(planted)[:30],
)
async def test_a_damaged_store(redis_server: RedisServer, planted: object) -> None:
    """What no release has stored is no maintenance, and the next one can be set."""
    async with joined(redis_server):
        with redis_server.client() as client:
            await switches.put("maintenance", "", value=True)
            await switches.remove("maintenance", "")
            raw = planted if isinstance(planted, str) and planted != "yes" else None
            if raw is None:
                body = json.loads(str(client.hget(STORE, FIELD)).partition("\n")[2])
                raw = "-\n" + json.dumps({**body, "version": body["version"] + 10, "value": planted})
            client.hset(STORE, FIELD, raw.encode(errors="surrogateescape"))
            client.hincrby(STORE, "version", 20)
        await switches.refresh()
        assert db.maintenance() is None
        change = await switches.put("maintenance", "", value=True)
        assert (change.report.complete, db.maintenance()) == (True, change.setting)


async def test_the_flag_of_c2cwsgiutils(redis_server: RedisServer) -> None:
    """It is taken over once: what ended does not come back with it."""
    with redis_server.client() as client:
        client.set(KEY, "true")
    async with joined(redis_server):
        setting = db.maintenance()
        assert setting is not None
        assert (setting.by, setting.reason, setting.expires) == (None, None, None)
        await switches.remove("maintenance", "")
    async with joined(redis_server):
        assert db.maintenance() is None


@pytest.mark.parametrize("value", ["false", "True", "yes", "", ["true"]], ids=repr)
async def test_other_flags(redis_server: RedisServer, value: str | list[str]) -> None:
    """As in c2cwsgiutils only `true` is maintenance."""
    with redis_server.client() as client:
        client.set(KEY, value) if isinstance(value, str) else client.rpush(KEY, *value)
    async with joined(redis_server):
        assert db.maintenance() is None
        with redis_server.client() as client:
            assert client.hget(STORE, "inherited:maintenance") is not None


async def test_signed_switches(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """The attack, where messages are signed: maintenance that nobody began, in each way to store it."""
    plant = '-\n{"f":1,"version":9000000000000,"set":1,"value":true}'
    with redis_server.client() as attacker:
        attacker.set(KEY, "true")
        attacker.hset(STORE, mapping={FIELD: plant, "version": 9000000000000})
        async with joined(redis_server, broadcast_secret="the secret of the messages"):
            assert db.maintenance() is None
            assert "The maintenance that c2cwsgiutils stored is not taken over" in caplog.text
            params = {"base": 0, "version": 9000000000001, "field": FIELD, "entry": plant}
            for message in (json.dumps(params), "-\n" + json.dumps(params)):
                assert attacker.publish(f"{PREFIX}c2c_switches", message) == 1
            await switches.refresh()
            assert db.maintenance() is None
