"""Whoever may change something, or nobody at all, can neither silence nor flush the audit."""

import collections
import json
from pathlib import Path

import httpx
import pytest

from tests.support.auth import KEY
from tests.support.processes import RedisServer, Uvicorn
from tests.support.proxied_app import ENVIRONMENT

SECRET = "correct horse battery staple"
SETTINGS = {**ENVIRONMENT, "C2C__AUTH__SECRET": SECRET, "C2C__AUTH__JWT__SECRET": KEY}
# as `alembic init` writes it
FILE_CONFIG = """
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
"""
DICT_CONFIG = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "WARNING"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}
SETUPS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "command of the README": ("tests.support.page_app:app", {}, ()),
    "level of the log": ("tests.support.proxied_app:app", {"LOG_LEVEL": "WARNING"}, ()),
    "JSON": ("tests.support.proxied_app:app", {"LOG_LEVEL": "CRITICAL", "LOG_TYPE": "json"}, ()),
    "fileConfig": ("tests.support.silenced_app:app", {"TEST_LOG_FILE_CONFIG": "{file}"}, ()),
    "YAML": ("tests.support.page_app:app", {}, ("--log-config", "{yaml}")),
    "YAML, JSON": ("tests.support.page_app:app", {"LOG_TYPE": "json"}, ("--log-config", "{yaml}")),
}


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """Configurations that disable the loggers which they do not name."""
    file, yaml = tmp_path / "alembic.ini", tmp_path / "logging.yaml"
    file.write_text(FILE_CONFIG)
    yaml.write_text(json.dumps(DICT_CONFIG))
    return {"file": str(file), "yaml": str(yaml)}


@pytest.mark.parametrize(("app", "environment", "arguments"), SETUPS.values(), ids=SETUPS)
def test_the_audit_is_always_heard(
    app: str, environment: dict[str, str], arguments: tuple[str, ...], paths: dict[str, str]
) -> None:
    """The attack: silence the loggers, then change something. Each line says who, from where and what."""
    variables = {name: value.format(**paths) for name, value in environment.items()}
    options = [argument.format(**paths) for argument in arguments]
    server = Uvicorn(app, *options, env={**SETTINGS, **variables})
    server.ready = lambda: _answers(server)  # type: ignore[method-assign]  # these logs do not say so
    with server, httpx.Client(base_url=server.url, headers={"X-API-Key": SECRET}, timeout=20) as client:
        silenced = client.post("/c2c/logging/level", json={"name": "c2casgiutils.audit", "level": "CRITICAL"})
        assert silenced.status_code == 422
        for name in ("c2casgiutils", "root", "test.password"):
            answer = client.post("/c2c/logging/level", json={"name": name, "level": "CRITICAL"})
            assert answer.status_code == 200
        lines = [line for line in server.output.splitlines() if "test.password" in line and "audit" in line]
    assert len(lines) == 2, server.output
    assert all(line.startswith("{") is (environment.get("LOG_TYPE") == "json") for line in lines)
    started, done = (line.replace('\\"', '"') for line in lines)
    assert "logging.level (started) by secret" in started
    assert "logging.level (ok) by secret" in done
    assert 'from "127.0.0.1", target "test.password", before "NOTSET", after {"level": "CRITICAL"' in done


def _answers(server: Uvicorn) -> bool:
    try:
        return httpx.get(f"{server.url}/c2c/livez", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_no_flood_pushes_a_change_out(redis_server: RedisServer) -> None:
    """The attack: more than 1,000 changes back and forth, and as many refused requests, after a change."""
    settings = {"C2C__REDIS__URL": redis_server.url, "C2C__AUTH__THROTTLE_TOTAL": "10000"}
    with (
        Uvicorn("tests.support.proxied_app:app", env={**SETTINGS, **settings}) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
        redis_server.client() as redis,
    ):
        key = {"X-API-Key": SECRET}

        def set_level(name: str, level: str) -> None:
            body = {"name": name, "level": level}
            assert client.post("/c2c/logging/level", json=body, headers=key).status_code == 200

        def guess(number: int) -> None:
            headers = {"X-API-Key": "wrong", "X-Forwarded-For": f"198.51.100.{number}"}
            assert client.get("/c2c/audit", headers=headers).status_code == 403

        def events(kind: str) -> collections.Counter[tuple[str, str]]:
            reply = client.get("/c2c/audit", params={"kind": kind, "limit": 1000}, headers=key)
            return collections.Counter((event["action"], event["target"]) for event in reply.json()["events"])

        def repeat_last(stream: str, times: int) -> None:
            (_, fields) = redis.xrevrange(stream, count=1)[0]
            with redis.pipeline() as pipeline:
                for _ in range(times):
                    pipeline.xadd(stream, fields)
                pipeline.execute()

        set_level("test.target", "DEBUG")
        set_level("test.flood", "DEBUG")
        guess(0)
        for stream in redis.keys("*audit*"):
            repeat_last(stream, 980)
        for number in range(30):
            set_level("test.flood", "DEBUG" if number % 2 else "INFO")
            guess(number + 1)
        changes, refusals = events("changes"), events("refusals")
        assert changes.pop(("logging.level", "test.target")) == 1
        assert list(changes) == [("logging.level", "test.flood")]
        assert list(refusals) == [("auth.sign_in", "secret")]
        assert all(900 <= count < 1000 for count in (*changes.values(), *refusals.values()))
        assert client.get("/c2c/audit?kind=x", headers=key).status_code == 422
