"""Each way out of the process hides what the table of texts holds, and leaves harmless texts readable."""

import html
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import redis
import sentry_sdk
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.logging import AccessFormatter

import c2casgiutils
from c2casgiutils import auth, config, health_checks, logs, redis_utils, sentry
from c2casgiutils.request_tracking import RequestTrackingMiddleware
from tests.support.fake_sentry import FakeSentry
from tests.support.secret_texts import HARMLESS, HIDDEN

KEY = "the-shared-key-of-the-test"
FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {
    "console": logs.ConsoleFormatter,
    "json": logs.JsonFormatter,
    "json with a filter": logs.JsonFormatter,
    "formatter of the application": lambda: logging.Formatter("%(name)s: %(message)s"),
}
ACCESS_FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {
    "uvicorn": lambda: AccessFormatter(
        '%(client_addr)s - "%(request_line)s" %(status_code)s', use_colors=False
    ),
    "json": logs.JsonFormatter,
}


def emitted(formatter: logging.Formatter, emit: Callable[[logging.Logger], None], *, filtered: bool) -> str:
    """Return what a handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    if filtered:
        handler.addFilter(logs.RedactionFilter())
    logger = logging.Logger("app.auth")  # noqa: LOG001  # nobody else sees its records
    logger.addHandler(handler)
    emit(logger)
    written = stream.getvalue()
    return " ".join(map(str, json.loads(written).values())) if written.startswith("{") else written


def fail(text: str) -> None:
    raise ValueError(text)


def _raise(logger: logging.Logger, text: str) -> None:
    try:
        fail(text)
    except ValueError:
        logger.exception("failed")


EMITTERS: dict[str, Callable[[logging.Logger, str], None]] = {
    "message": lambda logger, text: logger.error(text),
    "argument": lambda logger, text: logger.error("got %s", text),
    "two arguments": lambda logger, text: logger.error("%s%s", text[:3], text[3:]),
    "object": lambda logger, text: logger.error("got %s", ValueError(text)),
    "mapping": lambda logger, text: logger.error("got %(it)s", {"it": text}),
    "extra": lambda logger, text: logger.error("got", extra={"said": text}),
    "traceback": _raise,
}


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("emitter", EMITTERS)
def test_log_lines(formatter: str, emitter: str) -> None:
    def line(text: str) -> str:
        return emitted(
            FORMATTERS[formatter](),
            lambda logger: EMITTERS[emitter](logger, text),
            filtered=formatter not in {"console", "json"},
        )

    assert [name for name, (text, secret) in HIDDEN.items() if secret in line(text)] == []
    if emitter != "extra" or formatter.startswith("json"):  # the others do not show it
        assert [text for text in HARMLESS if text not in line(text)] == []


@pytest.mark.parametrize("formatter", ACCESS_FORMATTERS)
def test_access_log(formatter: str) -> None:
    """The line stays whole, whatever the client asked for."""

    def line(text: str) -> str:
        record = logging.makeLogRecord(
            {
                "name": "uvicorn.access",
                "msg": '%s - "%s %s HTTP/%s" %d',
                "args": ("127.0.0.1:5", "GET", text, "1.1", 200),
                "levelno": logging.INFO,
                "levelname": "INFO",
            }
        )
        logs.RedactionFilter().filter(record)
        written = ACCESS_FORMATTERS[formatter]().format(record)
        assert "127.0.0.1:5" in written
        return str(json.loads(written)["msg"]) if formatter == "json" else written

    assert [name for name, (text, secret) in HIDDEN.items() if secret in line(text)] == []
    assert [text for text in HARMLESS if text not in line(text)] == []


class Saying(health_checks.Check):
    """A check that says a text, in its payload or as its failure."""

    def __init__(self, text: str, *, fails: bool) -> None:
        super().__init__()
        self.text, self.fails = text, fails

    async def check(self) -> health_checks.Result:
        if self.fails:
            raise ValueError(self.text)
        return health_checks.Result(payload={"said": self.text, "list": [self.text], self.text: 1})


@pytest.fixture
async def client(operations: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that mounts ours at `/c2c`, signed in by the shared secret."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": KEY})
    main = FastAPI()
    main.mount("/c2c", operations)
    async with (
        c2casgiutils.lifespan(main),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(main), base_url="http://testserver/c2c/", headers={"X-API-Key": KEY}
        ) as http,
    ):
        yield http
    health_checks.FACTORY.clear()


@pytest.mark.parametrize("fails", [False, True])
async def test_health(client: httpx.AsyncClient, fails: bool) -> None:
    """The payload, the message and the stack trace of a check."""

    async def shown(text: str) -> str:
        health_checks.FACTORY.clear()
        health_checks.FACTORY.add(Saying(text, fails=fails), name="saying")
        entities = (await client.get("health_checks")).json()["entities"]
        return "\n".join(_texts(entities))

    assert [name for name, (text, secret) in HIDDEN.items() if secret in await shown(text)] == []
    assert [text for text in HARMLESS if text not in await shown(text)] == []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *_texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


async def test_headers_view(client: httpx.AsyncClient) -> None:
    async def shown(text: str) -> str:
        answer = await client.get("headers/", params={"said": text}, headers={"X-Said": text})
        return "\n".join(_texts(answer.json()))

    assert [name for name, (text, secret) in HIDDEN.items() if secret in await shown(text)] == []
    assert [text for text in HARMLESS if text not in await shown(text)] == []


async def test_page(client: httpx.AsyncClient) -> None:
    async def shown(text: str) -> str:
        health_checks.FACTORY.clear()
        health_checks.FACTORY.add(Saying(text, fails=True), name="saying")
        return html.unescape((await client.get("checks?check=saying", headers={"X-Said": text})).text)

    assert [name for name, (text, secret) in HIDDEN.items() if secret in await shown(text)] == []
    assert [text for text in HARMLESS if text not in await shown(text)] == []


def test_redis_errors() -> None:
    def shown(text: str) -> str:
        return redis_utils.describe(redis.ConnectionError(text))

    assert [name for name, (text, secret) in HIDDEN.items() if secret in shown(text)] == []
    assert [text for text in HARMLESS if text not in shown(text)] == []


def test_lines_of_a_redis_error_are_joined_after_its_secrets_are_hidden() -> None:
    error = redis.ConnectionError('name="password"\r\n\r\nhunter2\r\n--b')
    assert redis_utils.describe(error) == 'ConnectionError: name="password" *** --b'


def test_redis_error_is_cut_after_its_password_is_hidden() -> None:
    error = redis.ConnectionError(f"{'x' * 480} redis://user:a-password-of-redis@host")
    assert "a-pass" not in redis_utils.describe(error)


async def test_audit(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    async def shown(text: str) -> str:
        caplog.clear()
        await auth.audit.record("test", target=text, before=text, after={"it": text}, result=text)
        ring = (await client.get("audit", params={"limit": 1})).json()["events"][0]
        lines = [str(vars(record)) for record in caplog.records]
        assert len(lines) == 1
        assert ring["action"] == "test"
        return "\n".join([*_texts(ring), *lines])

    with caplog.at_level("INFO", logger="c2casgiutils.audit"):
        assert [name for name, (text, secret) in HIDDEN.items() if secret in await shown(text)] == []
        assert [text for text in HARMLESS if text not in await shown(text)] == []


async def test_value_of_a_setting_in_the_request_id(client: httpx.AsyncClient) -> None:
    """In the log line, in both formats, and in the audit; the answer repeats what came in."""
    config.settings.auth.secret = KEY  # validated, which the copy of the fixture is not
    lines: dict[str, str] = {}

    async def record(request: Request) -> Response:
        for name, formatter in FORMATTERS.items():
            handler = logging.StreamHandler(stream := io.StringIO())
            handler.setFormatter(formatter())
            handler.addFilter(logs.RedactionFilter([KEY]))
            handler.handle(logging.makeLogRecord({"name": "app", "msg": "done", "levelname": "INFO"}))
            lines[name] = stream.getvalue()
        await auth.audit.record("test", request=request, target=f"for {KEY}")
        return Response()

    app = RequestTrackingMiddleware(Starlette(routes=[Route(f"/{KEY}", record)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://h.test") as http:
        answer = await http.get(f"/{KEY}", headers={"X-Request-ID": f"id-{KEY}"})
    assert answer.headers["X-Request-ID"] == f"id-{KEY}"
    assert [name for name, line in lines.items() if KEY in line] == []
    assert "[id-***]" in lines["console"]
    assert json.loads(lines["json"])["request_id"] == "id-***"
    event = (await client.get("audit", params={"limit": 1})).json()["events"][0]
    assert (event["request_id"], event["target"]) == ("id-***", "for ***")


@pytest.fixture
def fake_sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSentry]:
    """An ingest server; personal data may leave, secrets may not."""
    with FakeSentry() as fake:
        monkeypatch.setenv("C2C__SENTRY__DSN", fake.dsn)
        monkeypatch.setenv("C2C__SENTRY__SEND_DEFAULT_PII", "true")
        config.settings = config.Settings()
        sentry.init()
        yield fake
        sentry.close()


def test_sentry_events(fake_sentry: FakeSentry) -> None:
    """The message, an exception with its local variables, a breadcrumb."""

    def send(text: str) -> None:
        sentry_sdk.get_isolation_scope().clear_breadcrumbs()  # each event carries all of them
        sentry_sdk.add_breadcrumb(message=text, data={"said": text})
        sentry_sdk.capture_message(text)
        try:
            local = [text, {"it": text}]  # noqa: F841  # a local variable of the frame
            fail(text)
        except ValueError as error:
            sentry_sdk.capture_exception(error)

    for number, (text, _) in enumerate(HIDDEN.values(), start=1):
        send(text)
        if number % 25 == 0:
            sentry_sdk.flush(20)  # more than a hundred events at once would be dropped
    sentry_sdk.flush(20)
    fake_sentry.wait_for_events(2 * len(HIDDEN))
    raw = fake_sentry.raw.decode()
    assert [name for name, (_, secret) in HIDDEN.items() if secret in raw] == []
    for text in HARMLESS:
        sentry_sdk.capture_message(text)
    sentry_sdk.flush(20)
    events = fake_sentry.wait_for_events(2 * len(HIDDEN) + len(HARMLESS))
    assert [event["message"] for event in events if "message" in event][-len(HARMLESS) :] == HARMLESS


async def test_request_of_a_sentry_event(fake_sentry: FakeSentry) -> None:
    """With personal data, too: subscription keys, cookies of other applications, `code` of a query."""
    secret = "sent-by-the-cl1ent"
    app = FastAPI()

    @app.post("/fail")
    async def fail() -> None:
        raise RuntimeError("boom")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        await http.post(
            f"/fail?code={secret}&key={secret}&page=2",
            headers={
                "Ocp-Apim-Subscription-Key": secret,
                "X-Functions-Key": secret,
                "Cookie": f"foreign={secret}; theme={secret}",
                "X-Plain": "shown",
            },
            json={"pin": secret, "deep": [{"client_secret": secret}], "name": "shown"},
        )
    sentry_sdk.flush(10)
    request = fake_sentry.wait_for_events()[0]["request"]
    assert secret.encode() not in fake_sentry.raw
    assert request["headers"]["x-plain"] == request["data"]["name"] == "shown"
    assert request["query_string"] == "code=***&key=***&page=2"
