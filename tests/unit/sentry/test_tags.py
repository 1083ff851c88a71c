"""The tag `request_id` of what Sentry gets."""

import logging
from typing import Any

import pytest
import sentry_sdk
from fastapi import BackgroundTasks, FastAPI

import c2casgiutils
from c2casgiutils import broadcast, config
from tests.support.asgi import client
from tests.support.fake_sentry import FakeSentry

MINE = {"X-Request-ID": "mine"}


@pytest.fixture(params=["ours", "the application's own"])
def app(request: pytest.FixtureRequest, fake_sentry: FakeSentry, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """An installed application, with Sentry initialised by `install` or before it."""
    monkeypatch.setenv("C2C__PROMETHEUS__PORT", "0")
    if request.param == "ours":
        monkeypatch.setenv("C2C__SENTRY__DSN", fake_sentry.dsn)
        monkeypatch.setenv("C2C__SENTRY__TRACES_SAMPLE_RATE", "1")
    else:
        sentry_sdk.init(fake_sentry.dsn, traces_sample_rate=1)
    config.settings = config.Settings()
    app = FastAPI()
    c2casgiutils.install(app)

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("boom")

    @app.get("/log")
    async def log(tasks: BackgroundTasks) -> None:
        logging.getLogger("app").error("in the request")
        tasks.add_task(logging.getLogger("app").error, "in the background")

    @app.get("/broadcast")
    async def send() -> None:
        async def fail() -> None:
            raise RuntimeError("in the handler")

        await broadcast.subscribe("failing", fail)
        await broadcast.broadcast("failing", expect_answers=True)

    return app


async def ask(app: FastAPI, path: str) -> None:
    async with client(app) as http:
        await http.get(path, headers=MINE)
    sentry_sdk.flush(10)


def tags(items: list[dict[str, Any]]) -> list[str | None]:
    return [item.get("tags", {}).get("request_id") for item in items]


async def test_an_unhandled_exception(app: FastAPI, fake_sentry: FakeSentry) -> None:
    await ask(app, "/crash")
    assert tags(fake_sentry.wait_for_events()) == ["mine"]


async def test_log_records(app: FastAPI, fake_sentry: FakeSentry) -> None:
    await ask(app, "/log")
    assert tags(fake_sentry.wait_for_events(2)) == ["mine", "mine"]


async def test_a_broadcast_handler(app: FastAPI, fake_sentry: FakeSentry, local_broadcast: None) -> None:
    await ask(app, "/broadcast")
    assert tags(fake_sentry.wait_for_events()) == ["mine"]


async def test_transactions(app: FastAPI, fake_sentry: FakeSentry) -> None:
    await ask(app, "/log")
    assert tags(fake_sentry.transactions) == ["mine"]


async def test_outside_of_a_request(app: FastAPI, fake_sentry: FakeSentry) -> None:
    """An event of no request has no tag, also after a request."""
    await ask(app, "/log")
    sentry_sdk.capture_message("alone")
    sentry_sdk.flush(10)
    assert tags(fake_sentry.wait_for_events(3))[-1] is None


async def test_a_tag_of_the_application_stays(app: FastAPI, fake_sentry: FakeSentry) -> None:
    @app.get("/own")
    async def own() -> None:
        sentry_sdk.set_tag("request_id", "own")
        raise RuntimeError("boom")

    await ask(app, "/own")
    assert tags(fake_sentry.wait_for_events()) == ["own"]
