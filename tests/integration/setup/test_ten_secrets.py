"""Ten secrets, planted in settings and requests, come out nowhere."""

from pathlib import Path
from typing import Any

import httpx

from tests.support.fake_sentry import FakeSentry
from tests.support.net import free_port, wait_for
from tests.support.processes import RedisServer, Uvicorn

NAMES = (
    *(
        "shared",
        "jwt",
        "previous",
        "client",
        "redis",
        "broadcast",
        "metrics",
        "webhook",
        "bearer",
        "upstream",
    ),
)
SECRETS = {name: f"planted-{name}-0123456789abcdef0123" for name in NAMES} | {
    "bearer": "ghp_plantedbearer0123456789abcdefghij01"
}
PATHS = [
    *("", "instances", "health_checks", "health_check", "health/cluster", "logging/overrides", "audit"),
    *("metrics", "headers/", "auth/status", "auth/login", "openapi.json", "nothing-here"),
]


def environment(redis: RedisServer, sentry: FakeSentry) -> dict[str, str]:
    port = free_port()
    settings = {
        "AUTH__SECRET": SECRETS["shared"],
        "AUTH__JWT__SECRET": SECRETS["jwt"],
        "AUTH__JWT__PREVIOUS_SECRETS": SECRETS["previous"],
        "AUTH__GITHUB__REPOSITORY": "org/repo",
        "AUTH__GITHUB__CLIENT_ID": "client",
        "AUTH__GITHUB__CLIENT_SECRET": SECRETS["client"],
        "REDIS__URL": redis.url,
        "REDIS__BROADCAST_PREFIX": "leaky_",
        "REDIS__BROADCAST_SECRET": SECRETS["broadcast"],
        "PROMETHEUS__BEARER": SECRETS["metrics"],
        "HEALTH__WEBHOOK": f"http://127.0.0.1:{port}/{SECRETS['webhook']}",
        "SENTRY__DSN": sentry.dsn,
        "SENTRY__SEND_DEFAULT_PII": "True",
        "HTTP": "True",
        "PROMETHEUS__PORT": "0",
    }
    checked = f"http://user:{SECRETS['upstream']}@127.0.0.1:{port}/?token={SECRETS['upstream']}"
    return {"CHECKED_URL": checked, **{f"C2C__{name}": value for name, value in settings.items()}}


def ask(url: str) -> list[str]:
    """Return what callers get: strangers, those who sign in each way, and those who guess."""
    ways: list[dict[str, Any]] = [
        {},
        {"headers": {"X-API-Key": SECRETS["shared"], "Authorization": f"Bearer {SECRETS['bearer']}"}},
        {"params": {"secret": SECRETS["shared"]}},
        {"headers": {"Authorization": f"Bearer {SECRETS['metrics']}"}},
        {"headers": {"X-API-Key": f"{SECRETS['jwt']}-wrong"}},
    ]
    answers = []
    with httpx.Client(base_url=url, timeout=20) as client:
        for way in ways:
            answers += [client.get(f"/c2c/{path}", **way) for path in PATHS]
            answers.append(client.post("/c2c/logging/level", json={"name": "leaky", "level": "DEBUG"}, **way))
            client.cookies.clear()
        answers.append(client.post("/c2c/auth/login", data={"secret": SECRETS["shared"]}))
        assert client.get("/c2c/audit").status_code == 200
        answers.append(client.get("/leak?secret=" + SECRETS["shared"], headers=ways[1]["headers"]))
    assert {answer.status_code for answer in answers} >= {200, 403, 404, 500}
    return [f"{answer.headers} {answer.text}" for answer in answers]


def dump(redis: RedisServer) -> list[str]:
    """Return every key of Redis with its value."""
    with redis.client() as client:
        found = [f"{key} {_value(client, key)}" for key in client.scan_iter()]
    assert found
    return found


def _value(client: Any, key: str) -> Any:
    match client.type(key):
        case "hash":
            return client.hgetall(key)
        case "zset":
            return client.zrange(key, 0, -1, withscores=True)
        case "stream":
            return client.xrange(key)
    return client.get(key)


def test_ten_secrets(tmp_path: Path) -> None:
    """Not in a log, an answer, an event, a key of Redis or a file."""
    with FakeSentry() as sentry, RedisServer(password=SECRETS["redis"]) as redis:
        with Uvicorn("tests.support.secrets_app:app", env=environment(redis, sentry), cwd=tmp_path) as server:
            answers = ask(server.url)
            sentry.wait_for_events()
            keys = dump(redis)
            # the server logs an exception after its answer
            wait_for(lambda: "cannot call the upstream" in server.output, what="the traceback")
            log = server.output
        files = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    outlets = {"log": [log], "answers": answers, "events": [sentry.raw.decode(errors="replace")]}
    for outlet, texts in {**outlets, "Redis": keys, "files": files}.items():
        found = {name for name, secret in SECRETS.items() if any(secret in text for text in texts)}
        assert found == set(), outlet
