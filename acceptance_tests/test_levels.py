"""The main job, end to end: two workers, one Redis, one request changes a log level in both."""

import re
import time
from collections.abc import Callable

import httpx

from tests.support.net import SOON_SECONDS, wait_for
from tests.support.operators import stopped
from tests.support.processes import RedisServer, Uvicorn

Start = Callable[..., Uvicorn]
Connect = Callable[..., list[httpx.Client]]

LEVEL = "/c2c/logging/level"


def post(client: httpx.Client, name: str, level: str) -> httpx.Response:
    """Set a level."""
    return client.post(LEVEL, json={"name": name, "level": level})


def levels(clients: list[httpx.Client], name: str) -> list[str]:
    """Read the level of a logger in each process."""
    return [client.get(LEVEL, params={"name": name}).json()["level"] for client in clients]


def test_one_request_changes_all_processes(
    redis_server: RedisServer, demo: Start, in_each_process: Connect
) -> None:
    """It is set in both, kept in Redis and listed."""
    server = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(server)
    answer = post(clients[0], "sqlalchemy.engine", "info").json()
    assert answer["cluster"] == {
        "asked": 2,
        "answered": 2,
        "missing": [],
        "failed": [],
        "lost": [],
        "complete": True,
        "roster": "current",
        "applied": 2,
        "of": 2,
        "behind": [],
    }
    assert levels(clients, "sqlalchemy.engine") == ["INFO", "INFO"]
    (override,) = clients[1].get("/c2c/logging/overrides").json()["overrides"]
    assert (override["name"], override["level"], override["by"]) == ("sqlalchemy.engine", "INFO", "secret")


def test_levels_are_restored_at_start(
    redis_server: RedisServer, demo: Start, in_each_process: Connect
) -> None:
    """So are those of 0.x, taken over once; a bad entry is skipped and logged, the others are applied."""
    with redis_server.client() as redis:
        redis.set("c2c_logging_level_app.two", "LOUD")
        redis.set(b"c2c_logging_level_\xff", "INFO")
        redis.hset("c2c_logging_level_app.three", "a", "b")
        redis.set("c2c_logging_level_app.four", "ERROR")
    first = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    assert post(in_each_process(first)[0], "app.one", "DEBUG").json()["cluster"]["complete"]
    first.terminate()
    assert "The stored log level of 'app.two' was skipped" in first.output
    second = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(second)
    assert levels(clients, "app.one") == ["DEBUG", "DEBUG"]
    assert levels(clients, "app.four") == ["ERROR", "ERROR"]
    assert levels(clients, "app.two") == ["NOTSET", "NOTSET"]


def test_a_process_that_does_not_answer_is_named(
    redis_server: RedisServer, demo: Start, in_each_process: Connect
) -> None:
    """A partial result says so, as JSON and on the page; the level reaches the process later."""
    server = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(server)
    pid = clients[1].get("/process").json()["pid"]
    with stopped(pid):
        started = time.monotonic()
        cluster = post(clients[0], "app", "DEBUG").json()["cluster"]
        assert time.monotonic() - started < SOON_SECONDS
        assert (cluster["asked"], cluster["answered"], cluster["complete"]) == (2, 1, False)
        assert [missing["pid"] for missing in cluster["missing"]] == [pid]
        page = clients[0].post("/c2c/levels", data={"set": "20 app"}, follow_redirects=True)
        assert page.status_code == 200
        assert re.search(
            rf"1 of 2 has it: {pid} on \S+ no answer.*it will apply it when it is back", page.text
        )
    wait_for(lambda: levels(clients, "app") == ["INFO", "INFO"], what="the level in both")


def test_redis_killed_and_back(redis_server: RedisServer, demo: Start, in_each_process: Connect) -> None:
    """Without Redis the application answers and a change fails clearly; all works again without a restart."""
    server = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(server)
    assert post(clients[0], "app", "INFO").status_code == 200

    redis_server.kill()
    assert [client.get("/").status_code for client in clients] == [200, 200]
    for client in clients:
        started = time.monotonic()
        answer = post(client, "app", "DEBUG")
        assert time.monotonic() - started < SOON_SECONDS
        assert answer.status_code == 503
        assert "Redis" in answer.json()["detail"]
    assert levels(clients, "app") == ["INFO", "INFO"]
    started = time.monotonic()
    assert clients[0].get("/c2c/logging/overrides").json()["scope"] == "process"
    assert clients[0].get("/c2c/").status_code == 200
    assert time.monotonic() - started < SOON_SECONDS

    redis_server.start()
    wait_for(
        lambda: post(clients[0], "app", "DEBUG").json().get("cluster", {}).get("answered") == 2,
        what="a change in both processes after Redis is back",
    )
    assert levels(clients, "app") == ["DEBUG", "DEBUG"]


def test_redis_away_at_start(redis_server: RedisServer, demo: Start, in_each_process: Connect) -> None:
    """The start waits for nobody; what Redis keeps is applied once it is there."""
    with redis_server.client() as redis:
        redis.set("c2c_logging_level_app.late", "DEBUG")
        redis.save()
    redis_server.kill()
    server = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(server, with_redis=False)
    assert levels(clients, "app.late") == ["NOTSET", "NOTSET"]
    redis_server.start()
    wait_for(lambda: levels(clients, "app.late") == ["DEBUG", "DEBUG"], what="the levels restored")


def test_redis_paused(redis_server: RedisServer, demo: Start, in_each_process: Connect) -> None:
    """A Redis that does not answer is an error in time too, and all views answer."""
    server = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(server)
    redis_server.pause()
    try:
        started = time.monotonic()
        answer = post(clients[0], "app", "DEBUG")
        assert time.monotonic() - started < SOON_SECONDS
        assert answer.status_code == 503
        assert "may be kept" in answer.json()["detail"]
        for path in ("logging/overrides", "", "instances"):
            started = time.monotonic()
            assert clients[0].get(f"/c2c/{path}").status_code == 200
            assert time.monotonic() - started < SOON_SECONDS
    finally:
        redis_server.resume()
    wait_for(
        lambda: post(clients[0], "app", "DEBUG").json().get("cluster", {}).get("answered") == 2,
        what="a change in both processes after Redis is back",
    )
