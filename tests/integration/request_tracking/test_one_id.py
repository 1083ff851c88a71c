"""One request through two workers, Redis and a second service: one id in all logs and in the answer."""

import json
import socket
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from c2casgiutils import logs
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn

BOOM = "Exception in ASGI application"


class Services(NamedTuple):
    """Two workers of the first service, and the second one."""

    first: Uvicorn
    second: Uvicorn


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    def serve(app: str, name: str, workers: int = 1, **environment: str) -> Uvicorn:
        common = {"C2C__PROMETHEUS__PORT": "0", "LOG_TYPE": "json", "LOG_LEVEL": "INFO"}
        module = {"C2C__TOOLS__LOGGING__APPLICATION_MODULE": name}
        arguments = ("--log-config", str(logs.CONFIG_FILE))
        return Uvicorn(app, *arguments, workers=workers, env={**common, **module, **environment})

    second = serve("tests.support.tracked_service:app", "tests")
    with RedisServer() as redis, second:
        first = serve(
            "tests.integration.request_tracking.application:app",
            "my_app",
            workers=2,
            OTHER_SERVICE=second.url,
            C2C__REDIS__URL=redis.url,
            C2C__REDIS__BROADCAST_PREFIX="one_id_",
        )
        with first:
            yield Services(first, second)


def records(server: Uvicorn) -> list[dict[str, Any]]:
    """The whole lines of a log."""
    return [json.loads(line) for line in server.output.splitlines(keepends=True) if line.endswith("\n")]


def of(server: Uvicorn, request_id: str) -> list[dict[str, Any]]:
    return [record for record in records(server) if record.get("request_id") == request_id]


def messages(found: list[dict[str, Any]], logger: str) -> list[str]:
    return [record["msg"].splitlines()[0] for record in found if record["logger_name"] == logger]


@pytest.mark.parametrize("fail", [False, True], ids=["200", "500"])
@pytest.mark.parametrize("header", ["X-Request-ID", "traceparent"])
def test_one_id(fail: bool, header: str, services: Services) -> None:
    """Also when the request ends in an unhandled exception, which the server logs after its end."""
    request_id = uuid.uuid4().hex
    value = f"00-{request_id}-00f067aa0ba902b7-01" if header == "traceparent" else request_id
    response = httpx.get(
        f"{services.first.url}/work", params={"fail": fail}, headers={header: value}, timeout=20
    )
    assert response.status_code == (500 if fail else 200)
    assert response.headers.get_list("x-request-id") == [request_id]

    of_application = ["endpoint", "handler", "handler", "thread", *(() if fail else ("background",))]
    of_server = [BOOM] if fail else []

    def logged() -> list[list[str]]:
        found = of(services.first, request_id)
        return [sorted(messages(found, name)) for name in ("my_app", "uvicorn.error")]

    wait_for(lambda: logged() == [sorted(of_application), of_server], what="the records")
    wait_for(
        lambda: len(messages(of(services.second, request_id), "uvicorn.access")) == 1, what="the access log"
    )
    found = of(services.first, request_id)
    handlers = {record["pid"] for record in found if record["msg"] == "handler"}
    assert len(handlers) == 2
    assert len(messages(found, "uvicorn.access")) == 1
    assert messages(of(services.second, request_id), "tests.support.tracked_service") == ["asked"]
    if header == "traceparent":
        everywhere = found + of(services.second, request_id)
        assert {record["trace_id"] for record in everywhere} == {request_id}
    if not fail:
        answer = response.json()
        assert (answer["other"], set(answer["pids"])) == (request_id, handlers)


@pytest.mark.parametrize("request_id", ["42 is the answer", "helloWorld"])
def test_free_text(request_id: str, services: Services) -> None:
    """The ids with which c2cwsgiutils tests its own tracking."""
    response = httpx.get(f"{services.first.url}/ping", headers={"X-Request-ID": request_id}, timeout=20)
    assert response.headers["x-request-id"] == request_id
    wait_for(lambda: messages(of(services.first, request_id), "my_app") == ["ping"], what="the record")


def raw(port: int, *headers: bytes) -> tuple[bytes, list[str]]:
    """Send a request byte by byte; returns the status line and the ids of the answer."""
    request = b"\r\n".join([b"GET /ping HTTP/1.1", b"Host: a", b"Connection: close", *headers, b"", b""])
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    ids = [line.split(b":", 1)[1] for line in lines if line.lower().startswith(b"x-request-id:")]
    return lines[0], [id_.decode("latin-1").strip() for id_ in ids]


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        pytest.param([b"X-Request-ID: MARK-\xe9"], None, id="Latin-1"),
        pytest.param(["X-Request-ID: MARK-\u0131".encode()], None, id="UTF-8"),
        pytest.param([b"X-Request-ID: MARK" + b"x" * 10_240], None, id="10 kB"),
        pytest.param([b"X-Request-ID: MARK\ttab"], None, id="tab"),
        pytest.param([b"X-Request-ID:"], None, id="empty"),
        pytest.param(
            [b"X-Request-ID: MARK\t", b"X-Request-ID: other"], "MARK", id="blank around, then another"
        ),
        pytest.param([b"X-Request-ID: \xe9MARK", b"x-request-id: good"], "good", id="first valid"),
    ],
)
def test_ids_that_are_none(headers: list[bytes], kept: str | None, services: Services) -> None:
    """They are replaced, never an error, and never in a log."""
    mark = uuid.uuid4().hex
    headers = [header.replace(b"MARK", mark.encode()) for header in headers]
    status, ids = raw(services.first.port, *headers)
    assert status == b"HTTP/1.1 200 OK"
    assert len(ids) == 1
    if kept is None:
        assert uuid.UUID(ids[0]).version == 4
    else:
        assert ids == [kept.replace("MARK", mark)]
    wait_for(lambda: messages(of(services.first, ids[0]), "my_app") == ["ping"], what="the record")
    assert (mark in services.first.output) == (mark in ids[0])
