"""Answers that somebody else publishes to Redis, faster than the processes, and the views that ask them."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any, Self

import httpx
import pytest
import redis

from tests.support.operators import PREFIX, serve, stopped
from tests.support.processes import RedisServer

KEY = {"X-API-Key": "a-secret-of-the-operators"}
SECRET = "the secret of the messages"
FORGED: list[bytes] = [
    *(b"", b"null", b"1", b'"x"', b"[]", b"{}", b"{", b"\xff\xfe", b"[" * 10_000, b"9" * 10_000),
    *(b'{"id": []}', b'{"id": "x"}', b'{"id": "\\ud800", "checks": [], "cells": {}}'),
    b'{"id": "x", "checks": 1, "cells": {}}',
    b'{"id": "x", "hostname": "x", "pid": 1, "version": "x"}',
    b'{"id": "x", "hostname": null, "pid": 1e400, "version": NaN}',
]
CELLS = [
    *(b'{"checks": [1], "cells": {}}', b'{"checks": [{"name": []}], "cells": {}}'),
    *(b'{"checks": [{"name": "Fine"}], "cells": []}', b'{"checks": [{}], "cells": {}}'),
    b'{"checks": [{"name": "x", "tags": [], "level": 1, "severity": "x", "cells": 1}], "cells": {"x": 1}}',
    b'{"checks": [{"name": "x", "tags": [], "level": 1, "severity": "critical"}], "cells": {"x": NaN}}',
    b'{"checks": [{"name": "Fine"}], "cells": {"Fine": {"status": "pass", "milliseconds": Infinity}}}',
]


class Forger:
    """Hears each request, and publishes forged answers to it at once.

    Args:
        server: The Redis.
    """

    def __init__(self, server: RedisServer) -> None:
        self._client = redis.Redis.from_url(server.url)
        self._pubsub = self._client.pubsub()  # type: ignore[no-untyped-call]  # of redis-py
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.requests = 0

    def __enter__(self) -> Self:
        self._pubsub.psubscribe(f"{PREFIX}*")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._pubsub.close()
        self._client.close()

    def _run(self) -> None:
        while not self._end.is_set():
            message = self._pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
            if message is not None and b"@inbox:" not in message["channel"]:
                self._forge(message["data"])

    def _forge(self, data: bytes) -> None:
        with contextlib.suppress(ValueError, IndexError, KeyError):
            header = json.loads(data.split(b"\n")[1])
            inbox = header["reply_to"]
            self.requests += 1
            with self._client.pipeline() as pipeline:
                for number, (sender, payload) in enumerate(self._answers(inbox)):
                    forged = {
                        "id": header["id"],
                        "sender": sender,
                        "at": header["at"],
                        "hostname": "h",
                        "pid": 1,
                    }
                    forged |= {"failed": True} if number % 5 == 4 else {}
                    pipeline.publish(inbox, b"-\n" + json.dumps(forged).encode() + b"\n" + payload)
                huge = {**forged, "sender": "huge", "failed": True}
                pipeline.publish(inbox, b"-\n" + json.dumps(huge).encode() + b"\n" + b"x" * 1_000_000)
                for field in ("hostname", "sender"):
                    huge = {**forged, field: "y" * 1_000_000, "failed": True}
                    pipeline.publish(inbox, b"-\n" + json.dumps(huge).encode() + b"\nx")
                pipeline.execute()

    def _answers(self, inbox: str) -> Iterator[tuple[str, bytes]]:
        asking = inbox.partition("@inbox:")[2]
        for number, payload in enumerate(FORGED):
            yield f"forged:{number}:x", payload
        for number, payload in enumerate(CELLS):
            yield f"cells:{number}:x", payload.replace(b"{", b'{"id": "%s", ' % asking.encode(), 1)


@pytest.fixture(params=["", SECRET], ids=["unsigned", "signed"], scope="module")
def client(request: pytest.FixtureRequest, _redis_server: RedisServer) -> Iterator[httpx.Client]:
    """A client of a service one process of which stands still, so that forged answers come in time."""
    settings: dict[str, Any] = {"C2C__INSTANCES__HEARTBEAT": "1h", "C2C__HEALTH__TIMEOUT": "1s"}
    if request.param:
        settings["C2C__REDIS__BROADCAST_SECRET"] = request.param
    with _redis_server.client() as redis_client:
        redis_client.flushall()  # an entry with another signature makes the roster stale
    with (
        serve(_redis_server.port, **settings) as server,
        serve(_redis_server.port, **settings) as other,
        httpx.Client(base_url=f"{server.url}/c2c", headers=KEY, timeout=30) as client,
        Forger(_redis_server) as forger,
        stopped(other.pid),
    ):
        yield client
        assert forger.requests > 0


VIEWS: dict[str, tuple[str, str, Any]] = {
    "health": ("GET", "/health/cluster", None),
    "history": ("GET", "/health/cluster?history=true", None),
    "instances": ("GET", "/instances", None),
    "page": ("GET", "/", None),
    "level": ("POST", "/logging/level", {"name": "forged.answers", "level": "DEBUG"}),
    "overrides": ("GET", "/logging/overrides", None),
    "drain": ("POST", "/drain", {"instance": "all", "force": True, "seconds": 1}),
    "undrain": ("DELETE", "/drain?instance=all", None),
    "audit": ("GET", "/audit", None),
    "maintenance": ("GET", "/db/maintenance", None),
    "begin maintenance": ("PUT", "/db/maintenance", {"readonly": True, "wait": 1}),
    "end maintenance": ("DELETE", "/db/maintenance", None),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_views(client: httpx.Client, view: tuple[str, str, Any]) -> None:
    """The attack: answers that are no answers. The real ones are shown, and nothing huge."""
    method, path, body = view
    reply = client.request(method, path, json=body)
    assert reply.status_code == 200, reply.text
    assert len(reply.content) < 100_000
    report = reply.json().get("cluster") if path != "/" else None
    if report is not None:
        assert not [failed for failed in report["failed"] if failed["error"].startswith("invalid answer")]
    if report is not None and method != "GET":
        assert (report["answered"], len(report["missing"])) == (1, 1), report
