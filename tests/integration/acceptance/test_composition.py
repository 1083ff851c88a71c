"""Processes and services that are started together."""

import sys
from pathlib import Path

import pytest

from c2casgiutils.acceptance import Composition, Connection, Process, RedisServer, free_port, retry_timeout

APP = """
import os, redis, uvicorn
from fastapi import FastAPI, Response

app = FastAPI()
client = redis.Redis.from_url(os.environ["REDIS_URL"])

@app.get("/count")
def count(response: Response) -> int:
    response.headers["Cache-Control"] = "no-store"
    return client.incr("count")

uvicorn.run(app, port=int(os.environ["PORT"]))
"""


class Recorded:
    """A service that notes what is done with it."""

    def __init__(self, name: str, events: list[str], *, broken: str = "") -> None:
        self.name = name
        self.events = events
        self.broken = broken

    def start(self) -> None:
        self.events.append(f"start {self.name}")
        if self.broken == "start":
            raise RuntimeError("the reason")

    def close(self) -> None:
        self.events.append(f"close {self.name}")
        if self.broken == "close":
            raise RuntimeError("cannot be closed")

    @property
    def output(self) -> str:
        if self.broken == "output":
            raise RuntimeError("no file")
        return "\n".join(f"{self.name} line {number}" for number in range(120))


def test_an_application_with_its_redis(tmp_path: Path) -> None:
    """One description starts the server and the application that needs it."""
    redis, port = RedisServer(), free_port()
    url = f"http://127.0.0.1:{port}"
    env = {"REDIS_URL": redis.url, "PORT": str(port)}
    app = Process([sys.executable, "-c", APP], cwd=tmp_path, env=env, ready=f"{url}/count")
    with Composition({"redis": redis, "app": app}) as composition, Connection(url) as connection:
        assert connection.get_json("/count") == 2
        retry_timeout(lambda: '"GET /count HTTP/1.1" 200' in composition.output)
        assert "Ready to accept connections" in composition.output
    assert not app.is_running
    assert not redis.is_running


def test_the_order() -> None:
    """They are ended in reverse order."""
    events: list[str] = []
    with Composition({name: Recorded(name, events) for name in "abc"}):
        events.append("test")
    assert events == ["start a", "start b", "start c", "test", "close c", "close b", "close a"]


def test_one_does_not_start() -> None:
    """The message names it and has the last lines of all; what was started is ended."""
    events: list[str] = []
    services = {
        "first": Recorded("first", events, broken="output"),
        "second": Recorded("second", events, broken="start"),
        "third": Recorded("third", events),
    }
    with pytest.raises(AssertionError) as raised, Composition(services):
        pass
    message = str(raised.value)
    assert message.startswith("second did not start: the reason\n")
    assert "--- first ---\n(no output: no file)\n" in message
    assert "--- second ---\n… (20 lines before)\nsecond line 20\n" in message
    assert "second line 119" in message
    assert events == ["start first", "start second", "close second", "close first"]


def test_a_failure_shows_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """It is on standard error, which pytest shows with the failure; without one nothing is shown."""
    with Composition({"first": Recorded("first", [])}):
        pass
    assert capsys.readouterr().err == ""
    with pytest.raises(ZeroDivisionError), Composition({"first": Recorded("first", [])}):
        raise ZeroDivisionError
    assert "first line 119" in capsys.readouterr().err


def test_one_cannot_be_closed() -> None:
    """The others are ended nevertheless."""
    events: list[str] = []
    services = {"first": Recorded("first", events), "second": Recorded("second", events, broken="close")}
    with pytest.raises(RuntimeError, match="cannot be closed"), Composition(services):
        pass
    assert events[-1] == "close first"
