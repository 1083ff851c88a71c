"""Log levels that somebody else writes to Redis."""

import json

import httpx

from tests.support.net import wait_for
from tests.support.operators import STORE, WITHIN, serve
from tests.support.processes import RedisServer

KEY = {"X-API-Key": "a-secret-of-the-operators"}


def test_restored_levels_have_the_quota(redis_server: RedisServer) -> None:
    """The attack: levels of made-up loggers, as 0.x stored them, which each process would create and keep.

    An existing logger among them gets its level all the same, and so does the next one.
    """
    names = [f"planted.{number}" for number in range(300)]
    with redis_server.client() as attacker:
        prefix = "c2c_logging_level_"
        attacker.mset({f"{prefix}{name}": "DEBUG" for name in [*names, "uvicorn.error"]})
    with (
        serve(redis_server.port, C2C__TOOLS__LOGGING__APPLICATION_MODULE="x") as service,
        httpx.Client(base_url=f"{service.url}/c2c", headers=KEY, timeout=20) as client,
    ):

        def level(name: str) -> str:
            return str(client.get("/logging/level", params={"name": name}).json()["level"])

        levels = [level(name) for name in names]
        assert levels.count("DEBUG") == 200
        assert levels.count("NOTSET") == 100
        assert level("uvicorn.error") == "DEBUG"
        body = {"name": "uvicorn.access", "level": "WARNING"}
        assert client.post("/logging/level", json=body).status_code == 200
        assert level("uvicorn.access") == "WARNING"
        refused = client.post("/logging/level", json={"name": "planted.more", "level": "DEBUG"})
        assert refused.status_code == 422
        assert service.output.count("switches of the kind level were not applied") == 1


def test_unsigned_and_older_levels_are_ignored(redis_server: RedisServer) -> None:
    """The attack, where switches are signed: a level that nobody set, and one that was set before.

    The process that knows a newer one keeps it, and puts it back into the store.
    """
    name = "replayed.logger"
    field = f"level:{name}"
    with (
        serve(redis_server.port, C2C__REDIS__BROADCAST_SECRET="the secret of the messages") as service,
        httpx.Client(base_url=f"{service.url}/c2c", headers=KEY, timeout=20) as client,
        redis_server.client() as attacker,
    ):

        def put(level: str) -> str:
            reply = client.post("/logging/level", json={"name": name, "level": level})
            assert reply.status_code == 200, reply.text
            return str(attacker.hget(STORE, field))

        def repaired() -> bool:
            return str(attacker.hget(STORE, field)) == newest

        older, newest = put("ERROR"), put("INFO")
        body = json.loads(newest.partition("\n")[2])
        forged = json.dumps({**body, "version": body["version"] + 1000, "value": "CRITICAL"})
        for planted in (older, f"-\n{forged}", f"{'0' * 64}\n{forged}"):
            version = int(attacker.hget(STORE, "version") or 0)
            attacker.hset(STORE, mapping={field: planted, "version": version + 1})
            wait_for(repaired, seconds=WITHIN + 5, what="the newer level in the store")
            assert client.get("/logging/level", params={"name": name}).json()["level"] == "INFO"
