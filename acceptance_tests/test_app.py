"""The rendered application and its demo routes with two workers and Redis."""

import signal
from collections.abc import Callable

import httpx
import pytest

from acceptance_tests.conftest import SECRET
from tests.support.processes import RedisServer, Uvicorn

Start = Callable[..., Uvicorn]
Connect = Callable[..., list[httpx.Client]]


@pytest.mark.parametrize("kind", ["dict", "async", "pydantic"])
def test_an_echo_of_each_process(
    redis_server: RedisServer, demo: Start, in_each_process: Connect, kind: str
) -> None:
    """Each worker answers, with plain data or with a model."""
    server = demo(workers=2, C2C__REDIS__URL=redis_server.url)
    clients = in_each_process(server)
    pids = sorted(client.get("/process").json()["pid"] for client in clients)
    for client in clients:
        answers = client.post(f"/echo/{kind}", json={"text": "hello"}).json()
        assert sorted(answer.pop("pid") for answer in answers) == pids
        payload = {"kind": "Echo" if kind == "pydantic" else "dict", "text": "hello", "length": 5}
        assert answers == [payload, payload]


def test_routes_on_one_worker_without_redis(demo: Start) -> None:
    """Items, an echo, a slow and a failing route, health checks: nothing but the application is needed."""
    server = demo()
    with httpx.Client(base_url=server.url, timeout=10) as client:
        created = client.post("/items", json={"name": "one"})
        assert (created.status_code, created.json()["name"]) == (201, "one")
        assert client.post("/items", json={"name": "one"}).status_code == 409
        assert client.get(f"/items/{created.json()['id']}").json() == created.json()
        assert client.get("/items").json() == [created.json()]
        assert client.get("/items/99").status_code == 404
        key = {"X-API-Key": SECRET}
        client.put("/c2c/db/maintenance", json={"readonly": True, "reason": "new disks"}, headers=key)
        refused = client.post("/items", json={"name": "two"})
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        assert "new disks" in refused.text
        assert client.delete("/c2c/db/maintenance", headers=key).status_code == 200
        assert [answer["text"] for answer in client.post("/echo/dict", json={"text": "a"}).json()] == ["a"]
        assert client.get("/slow", params={"seconds": 0}).json() == {"seconds": 0}
        failed = httpx.get(f"{server.url}/fail", timeout=10)  # the server closes the connection then
        assert (failed.status_code, failed.headers["x-frame-options"]) == (500, "DENY")
        assert "The demo fails here" not in failed.text
        assert client.get("/c2c/health_checks").status_code == 200
        metrics = client.get("/c2c/metrics", headers={"X-API-Key": SECRET}).text
        assert 'handler="/items/{item_id}"' in metrics
        assert client.get("/c2c").headers["location"] == "c2c/"  # relative: right below any prefix
    assert server.terminate() in {0, -signal.SIGTERM}  # uvicorn raises it again when it is done
