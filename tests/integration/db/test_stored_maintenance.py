"""Maintenance that others wrote to Redis."""

import contextlib
import json
from collections.abc import AsyncIterator

import pytest

import c2casgiutils
from c2casgiutils import config, db, switches
from c2casgiutils._app import create_app
from tests.support.db_app import client_of
from tests.support.fleet import PREFIX, configure
from tests.support.net import eventually
from tests.support.processes import RedisServer
from tests.support.starting import connected

STORE = f"{PREFIX}switches"
FIELD = "maintenance:"
KEY = "c2c_db_maintenance_force_readonly"


@contextlib.asynccontextmanager
async def joined(server: RedisServer, *, is_late: bool = False, **settings: str) -> AsyncIterator[None]:
    """Let the test's own process be the service; Redis may be late, and reply only after the start."""
    config.settings.http = True
    config.settings.auth = config.settings.auth.model_copy(update={"secret": "a secret of the test"})
    configure(server.url, **settings)
    if is_late:
        server.pause()
    async with c2casgiutils.lifespan():
        server.resume()
        await connected()
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


async def test_planted_texts(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """Line breaks, markup and nonsense in a reason go into neither headers nor the log."""
    text = "a\r\nSet-Cookie: x=1\x00<b>"
    planted = {
        "f": 1,
        "version": 2,
        "set": 1,
        "value": True,
        "expires": 253402300798.9,
        "reason": text,
        "by": text,
    }
    async with joined(redis_server):
        with redis_server.client() as client:
            client.hset(STORE, mapping={FIELD: "-\n" + json.dumps(planted), "version": 3})
        await switches.refresh()
        setting = db.maintenance()
        assert setting is not None
        assert dict(db.MaintenanceError(setting).headers or {}) == {"Retry-After": "3600"}
        (record,) = [one for one in caplog.records if one.name.startswith("c2casgiutils.db")]
        assert "\n" not in record.getMessage()
        app = create_app()
        for path in ("/", "/db/maintenance"):
            async with client_of(app) as http:
                answer = await http.get(path, headers={"X-API-Key": config.settings.auth.secret or ""})
            assert answer.status_code == 200
            assert ("<b>" in answer.text) is (path != "/")
        await switches.remove("maintenance", "")


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


@pytest.mark.parametrize("is_late", [False, True], ids=["at the start", "when Redis is back"])
async def test_signed_switches(is_late: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The attack, where messages are signed: maintenance that nobody began, in each way to store it."""
    plant = '-\n{"f":1,"version":9000000000000,"set":1,"value":true}'

    async def is_told() -> bool:
        return "The maintenance that c2cwsgiutils stored is not taken over" in caplog.text

    with RedisServer() as server, server.client() as attacker:
        attacker.set(KEY, "true")
        attacker.hset(STORE, mapping={FIELD: plant, "version": 9000000000000})
        async with joined(server, is_late=is_late, broadcast_secret="the secret of the messages"):
            assert db.maintenance() is None
            await eventually(is_told, what="the warning")
            params = {"base": 0, "version": 9000000000001, "field": FIELD, "entry": plant}
            for message in (json.dumps(params), "-\n" + json.dumps(params)):
                assert attacker.publish(f"{PREFIX}c2c_switches", message) == 1
            await switches.refresh()
            assert db.maintenance() is None
