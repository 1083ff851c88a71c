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


async def test_words_of_a_check(client: httpx.AsyncClient) -> None:
    """The answer has the words of the check alone."""
    answer = await client.post("logging/level", json={"name": "bodies", "level": "loud"})
    (error,) = answer.json()["detail"]
    assert "not the name of a log level" in error["msg"]
    assert "Value error" not in answer.text
