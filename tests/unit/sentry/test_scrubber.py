"""No secret leaves with an event."""

import asyncio
import logging
import time
from typing import Any

import httpx
import pytest
import sentry_sdk
from fastapi import FastAPI, Request

from c2casgiutils import config, sentry
from tests.support.fake_sentry import FakeSentry

CONFIGURED = "configured-s3cret"
SENT = "sent-by-the-cl1ent"


@pytest.fixture
def active(fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> FakeSentry:
    monkeypatch.setenv("C2C__SENTRY__DSN", fake_sentry.dsn)
    monkeypatch.setenv("C2C__AUTH__SECRET", CONFIGURED)
    monkeypatch.setenv("C2C__SENTRY__TRACES_SAMPLE_RATE", "1")
    monkeypatch.setenv("C2C__REDIS__URL", "redis://user:redis-passw0rd@127.0.0.1:1/0")
    config.settings = config.Settings()
    sentry.init()
    return fake_sentry


REQUESTS: dict[str, dict[str, Any]] = {
    "query": {"params": {"secret": SENT}},
    "api key": {"headers": {"X-API-Key": SENT}},
    "bearer": {"headers": {"Authorization": f"Bearer {SENT}"}},
    "cookie": {"headers": {"Cookie": f"c2c-jwt-auth={SENT}"}},
    "form": {"data": {"secret": SENT}},
    "json": {"json": {"deep": [{"password": SENT}]}},
    "forwarded token": {"headers": {"X-Forwarded-Access-Token": SENT}},
}


@pytest.mark.parametrize("name", list(REQUESTS))
async def test_what_a_client_sends_to_prove_itself_stays_here(active: FakeSentry, name: str) -> None:
    app = FastAPI()

    @app.post("/fail")
    async def fail(request: Request) -> None:
        headers = request.headers  # noqa: F841  a local variable of the frame
        raw = list(request.scope["headers"])  # noqa: F841  the same
        await request.body()
        raise RuntimeError("boom")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        await client.post("/fail", **REQUESTS[name])
    await asyncio.to_thread(sentry_sdk.flush, 10)
    active.wait_for_events()
    assert SENT.encode() not in active.raw


def _failing(value: str) -> None:
    message = f"login with {value} failed"
    raise RuntimeError(message)


def test_configured_secrets_are_hidden_by_their_value(active: FakeSentry) -> None:
    try:
        _failing(CONFIGURED)
    except RuntimeError as error:
        sentry_sdk.add_breadcrumb(message=f"tried {CONFIGURED}")
        sentry_sdk.get_isolation_scope().set_extra("anything", [object(), {"at": CONFIGURED}])
        sentry_sdk.capture_exception(error)
    logging.getLogger("of.the.test").error("%s at %s", CONFIGURED, config.settings.redis.url)
    sentry_sdk.flush(10)
    active.wait_for_events(2)
    for secret in (CONFIGURED, "redis-passw0rd"):
        assert secret.encode() not in active.raw


def test_the_rest_of_an_event_stays(active: FakeSentry) -> None:
    sentry_sdk.get_isolation_scope().set_extra("author", "Ada")
    sentry_sdk.capture_message("the key of the message")
    sentry_sdk.flush(10)
    event = active.wait_for_events()[0]
    assert event["message"] == "the key of the message"
    assert event["extra"]["author"] == "Ada"
    assert "pyjwt" in event["modules"]
    assert "*" not in str(event["modules"])


@pytest.mark.parametrize(
    "text",
    [
        "GET /c2c?x=1&secret=abc-hidden",
        "secret=abc-hidden",
        "Headers({'host': 'a', 'x-api-key': 'abc-hidden'})",
        "[(b'authorization', b'abc-hidden')]",
        "{'password': 'abc-hidden",
        "redis://user:abc-hidden@host/0",
        "Authorization: Bearer abc-hidden",
        "/callback?code=abc-hidden&x=2",
    ],
)
def test_texts(text: str) -> None:
    event = {"message": text}
    sentry.Scrubber().scrub_event(event)
    assert "abc-hidden" not in event["message"]


@pytest.mark.parametrize("piece", ["auth", "'auth':", "&auth", "a://", "a", "a+", "bearer ", "dsn"])
def test_long_hostile_texts_are_quick(piece: str) -> None:
    """Clients choose the texts: the time must not grow with the square of the length."""
    started = time.perf_counter()
    sentry.Scrubber().scrub_event({"message": piece * (100_000 // len(piece))})
    assert time.perf_counter() - started < 10


def test_a_structure_that_contains_itself() -> None:
    loop: list[Any] = ["secret=abc-hidden"]
    loop.extend([loop] * 10)
    event = {"extra": {"loop": loop}}
    sentry.Scrubber().scrub_event(event)
    assert "abc-hidden" not in str(event)


def test_an_object_that_cannot_be_shown_does_not_stop_the_event(active: FakeSentry) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    sentry_sdk.get_isolation_scope().set_extra("broken", Broken())
    sentry_sdk.capture_message("sent")
    sentry_sdk.flush(10)
    assert active.wait_for_events()[0]["message"] == "sent"


TOKEN = "gho_" + "a" * 36
TEXTS = {
    "github token": TOKEN,
    "fine-grained token": "github_pat_" + "b" * 40,
    "session cookie": "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LWNvb2tpZQ.c2lnbmF0dXJl",
    "keyword argument": f"User(login='a', token='{SENT}')",
    "header in a text": f"refused X-API-Key: {SENT}",
    "setting in a text": f"password: {SENT}",
    "address in an address": f"/login?came_from=%2Fpage%3Fsecret%3D{SENT}",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_credential_under_any_name(text: str) -> None:
    """A local variable that is not named like a secret hides what its text shows to be one."""
    event: dict[str, Any] = {"extra": {"value": text, "data": text.encode()}}
    sentry.Scrubber().scrub_event(event)
    shown = str(event["extra"])
    assert "***" in shown
    assert not any(part in shown for part in (SENT, "a" * 36, "b" * 40, "c2VjcmV0LWNvb2tpZQ"))


@pytest.mark.parametrize("text", ["GET /page?name=value HTTP/1.1", "The secret is wrong", "code 404"])
def test_ordinary_text_stays(text: str) -> None:
    event: dict[str, Any] = {"extra": {"value": text}}
    sentry.Scrubber().scrub_event(event)
    assert event["extra"]["value"] == text
