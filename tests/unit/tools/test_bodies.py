"""Bodies that are not sent as JSON."""

import httpx
import pytest

LEVEL = b'{"name": "bodies", "level": "INFO"}'


@pytest.mark.parametrize(
    "content_type", [None, "", "application/x-www-form-urlencoded", "text/plain", "json"]
)
@pytest.mark.parametrize("content", [LEVEL, b"[1]", b"\xff\x00"])
async def test_not_sent_as_json(client: httpx.AsyncClient, content_type: str | None, content: bytes) -> None:
    """Who sends a body without the right `Content-Type` is told which one to send."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await client.post("logging/level", content=content, headers=headers)
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert "Content-Type: application/json" in error["msg"]
    assert "bodies" not in answer.text


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/problem+JSON"]
)
async def test_sent_as_json(client: httpx.AsyncClient, content_type: str) -> None:
    """A body with the right type is read; what is wrong with it is said in other words."""
    headers = {"Content-Type": content_type}
    answer = await client.post("logging/level", content=LEVEL, headers=headers)
    assert answer.status_code == 200
    for content in (b"[1]", b"{", b'"text"', b""):
        answer = await client.post("logging/level", content=content, headers=headers)
        assert answer.status_code == 422
        assert "Content-Type" not in answer.text


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"name": "bodies\xff", "level": "INFO"}', id="not UTF-8"),
        pytest.param(b'{"name": "bodies", "level": ' + b"1" * 5000 + b"}", id="5,000 digits"),
        pytest.param(b'{"name": "bodies", "level": ' + b"[" * 20_000 + b"}", id="deep"),
    ],
)
async def test_unreadable_bodies(client: httpx.AsyncClient, content: bytes) -> None:
    """The answer to a body that Python cannot decode says what is accepted."""
    headers = {"Content-Type": "application/json"}
    for method, path in (
        ("POST", "logging/level"),
        ("PUT", "logging/loggers/bodies"),
        ("POST", "logging/follow"),
    ):
        answer = await client.request(method, path, content=content, headers=headers)
        assert answer.status_code == 400
        assert "valid JSON in UTF-8" in answer.json()["detail"]
        assert "bodies" not in answer.text


@pytest.mark.parametrize(
    ("ttl", "shown"),
    [
        pytest.param("true", "'true'", id="boolean"),
        pytest.param("[]", "'[]'", id="list"),
        pytest.param("{}", "'{}'", id="object"),
        pytest.param('{"password": "hunter2"}', "***", id="secret in an object"),
        pytest.param('"password=hunter2"', "'password=***'", id="secret in a text"),
        pytest.param('"' + "x" * 1000 + '"', f"'{'x' * 40}'", id="long"),
        pytest.param("[" * 500 + "]" * 500, "", id="deep"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("PUT", "logging/loggers/bodies"), ("POST", "logging/follow")])
async def test_durations_that_are_none(
    client: httpx.AsyncClient, method: str, path: str, ttl: str, shown: str
) -> None:
    """The answer contains what was sent, shortened and masked, and says what is accepted."""
    content = f'{{"level": "INFO", "ttl": {ttl}}}'
    answer = await client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert error["loc"] == ["body", "ttl"]
    assert error["msg"].startswith("Invalid time delta: ")
    assert shown in error["msg"]
    assert "accepted are ISO 8601" in error["msg"]
    assert "hunter2" not in answer.text
    assert len(error["msg"]) < 250


async def test_words_of_a_check(client: httpx.AsyncClient) -> None:
    """The answer has the words of the check alone."""
    answer = await client.post("logging/level", json={"name": "bodies", "level": "loud"})
    (error,) = answer.json()["detail"]
    assert "not the name of a log level" in error["msg"]
    assert "Value error" not in answer.text
