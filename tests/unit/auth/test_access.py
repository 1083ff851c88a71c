"""Who gets through a protected view."""

import contextlib

import httpx
import pytest
from starlette.requests import Request

from c2casgiutils import auth, config, logs
from c2casgiutils.request_tracking import CURRENT, RequestContext
from tests.support.auth import SECRET, configure, configure_test_user, make_client

PROTECTED = [
    f"/c2c/{name}" for name in ("read", "write", "admin", "signed-in", "factory", "context", "audit")
]


@pytest.mark.parametrize("path", PROTECTED)
async def test_closed_by_default(client: httpx.AsyncClient, path: str) -> None:
    """Nothing configured: every protected view answers 403."""
    response = await client.get(path, headers={"X-API-Key": "None", "Authorization": "Bearer ghp_x"})
    assert response.status_code == 403
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize("way", ["header", "query"])
async def test_secret_opens(client: httpx.AsyncClient, path: str, way: str) -> None:
    """The secret is accepted in the header and in the query of every protected view."""
    configure(secret=SECRET)
    if way == "header":
        response = await client.get(path, headers={"X-API-Key": SECRET})
    else:
        response = await client.get(path, params={"secret": SECRET})
    assert response.status_code == 200


@pytest.mark.parametrize("path", PROTECTED)
async def test_test_user_opens(client: httpx.AsyncClient, path: str) -> None:
    """The test user has all rights."""
    configure_test_user()
    assert (await client.get(path)).status_code == 200


async def test_status_of_test_user(client: httpx.AsyncClient) -> None:
    configure_test_user()
    assert (await client.get("/c2c/auth/status")).json() == {
        "is_logged_in": True,
        "user": {"login": "test", "display_name": "Someone", "url": "https://example.com"},
        "type": "test",
    }


async def test_status_of_nobody(client: httpx.AsyncClient) -> None:
    assert (await client.get("/c2c/auth/status")).json() == {
        "is_logged_in": False,
        "user": {"login": "", "display_name": "", "url": ""},
        "type": "none",
    }


BAD_KEYS: dict[str, list[tuple[bytes, bytes]]] = {
    "wrong": [(b"x-api-key", b"wrong")],
    "prefix": [(b"x-api-key", SECRET[:-1].encode())],
    "longer": [(b"x-api-key", SECRET.encode() + b"x")],
    "nul": [(b"x-api-key", SECRET.encode() + b"\0")],
    "non-ascii": [(b"x-api-key", b"\xff\xfe")],
    "empty": [(b"x-api-key", b"")],
    "two headers": [(b"x-api-key", SECRET.encode()), (b"x-api-key", SECRET.encode())],
}


@pytest.mark.parametrize("headers", BAD_KEYS.values(), ids=BAD_KEYS)
async def test_bad_key(client: httpx.AsyncClient, headers: list[tuple[bytes, bytes]]) -> None:
    """J40: anything but the secret is a 403, also beside the right secret in the query."""
    configure(secret=SECRET)
    response = await client.get("/c2c/read", headers=headers, params={"secret": SECRET})
    assert response.status_code == 403


async def test_non_ascii_secret(client: httpx.AsyncClient) -> None:
    configure(secret="schlüssel")
    response = await client.get("/c2c/read", headers={b"X-API-Key": "schlüssel".encode()})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "NONE"),
        ({"secret": SECRET, "test": {"username": "x"}}, "SECRET"),
        ({"test": {"username": "x"}}, "TEST"),
        ({"github": {"repository": "o/r", "client_id": "i", "client_secret": "s"}}, "GITHUB"),
        (
            {"secret": "x", "github": {"repository": "o/r", "client_id": "i", "client_secret": "s"}},
            "SECRET",
        ),
    ],
)
def test_auth_type(settings: dict[str, object], expected: str) -> None:
    """A secret comes first, then the test user, then GitHub."""
    configure(**settings)
    assert auth.auth_type() is auth.AuthenticationType[expected]
    assert auth.is_enabled() is (expected != "NONE")


async def test_github_needs_a_key() -> None:
    """P08: GitHub without a key for its sessions ends the start and names the variable."""
    configure(github={"repository": "o/r", "client_id": "i", "client_secret": "s"})
    with pytest.raises(ValueError, match="C2C__AUTH__JWT__SECRET"):
        await auth.startup(None)


def test_constants_follow_the_settings() -> None:
    github = {"repository": "org/repo", "client_id": "i", "client_secret": "s", "access_type": "push"}
    configure(github=github)
    assert auth.READ_ONLY_AUTH_CONFIG.github_repository == "org/repo"
    assert auth.READ_ONLY_AUTH_CONFIG.github_access_type_read_only == "push"
    assert auth.ADMIN_AUTH_CONFIG.github_access_type_admin == "admin"


def test_token_is_never_dumped() -> None:
    """P03: neither a dump, JSON nor `repr` of the caller shows a token."""
    payload = auth.GitHubSessionPayload(
        login="octocat", display_name="", url="", access_token="gho_secret", refresh_token="ghr_secret"
    )
    info = auth.AuthInfo(
        is_logged_in=True, user=auth.UserInfo(login="octocat", token="gho_secret"), session_payload=payload
    )
    shown = f"{info!r} {info} {info.model_dump()} {info.model_dump_json()} {payload!r}"
    assert info.user.token == "gho_secret"
    assert "secret" not in shown


WARNINGS = {
    "several kinds": ({"secret": SECRET * 2, "test": {"username": "x"}}, "Several kinds of authentication"),
    "test user": ({"test": {"username": "x"}}, "everybody on this machine is signed in"),
    "short secret": ({"secret": "short"}, "also makes the key of the sessions"),
    "plain cookies": ({"secret": SECRET * 2, "jwt": {"cookie": {"secure": False}}}, "not for HTTPS only"),
}


@pytest.mark.parametrize(("settings", "text"), WARNINGS.values(), ids=WARNINGS)
async def test_warnings(caplog: pytest.LogCaptureFixture, settings: dict[str, object], text: str) -> None:
    """P08: what is dangerous is said loudly at the start, without a secret."""
    configure(**settings)
    await auth.startup(None)
    assert text in caplog.text
    assert SECRET not in caplog.text
    assert "short'" not in caplog.text


async def test_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    configure(secret=SECRET * 2)
    await auth.startup(None)
    assert caplog.text == ""


async def test_no_warning_about_plain_cookies_in_development(caplog: pytest.LogCaptureFixture) -> None:
    """Who set `C2C__DEVELOPMENT` knows it."""
    configure(secret=SECRET * 2, jwt={"cookie": {"secure": False}})
    config.settings.development = True
    await auth.startup(None)
    assert caplog.text == ""


@pytest.mark.parametrize("action", ["auth.sign_in", "auth.sign_out", "token.revoke", "drain"])
async def test_record_is_readable(action: str, caplog: pytest.LogCaptureFixture) -> None:
    """No part of the line counts as a secret."""
    caplog.set_level("INFO", "c2casgiutils.audit")
    caller = auth.AuthInfo(is_logged_in=True, type=auth.AuthMethod.SECRET)
    await auth.audit.record(action, auth_info=caller, result="refused")
    (line,) = caplog.records
    assert logs.RedactionFilter().filter(line)
    assert line.getMessage() == f"{action} (refused) by secret"


async def test_record_is_structured(caplog: pytest.LogCaptureFixture) -> None:
    """A record is one line with its parts as fields; what it holds cannot forge another line."""
    caplog.set_level("INFO", "c2casgiutils.audit")
    await auth.audit.record(
        "logging.level", target="a\nforged", before={"x": 1}, after=object(), result="5/6"
    )
    (line,) = caplog.records
    told = line.getMessage()
    assert told.startswith('logging.level (5/6) by none, target "a\ufffdforged", before {"x": 1}, after "<')
    fields = vars(line)
    assert fields["audit_target"] == "a\ufffdforged"
    assert fields["audit_before"] == '{"x": 1}'
    assert "<object" in fields["audit_after"]
    assert fields["audit_method"] == "none"
    assert "audit_request_id" not in fields


async def test_record_names_its_caller(caplog: pytest.LogCaptureFixture) -> None:
    """The file, line and function are those that record the event, at its start and its end too."""
    request = Request({"type": "http", "headers": [], "client": None})
    await auth.audit.record("test")
    async with auth.audit.recorded("test", request=request):
        pass
    first = test_record_names_its_caller.__code__.co_firstlineno
    assert len(caplog.records) == 3
    for record in caplog.records:
        assert (record.pathname, record.funcName) == (__file__, "test_record_names_its_caller")
        assert first < record.lineno < first + 10


async def test_record_names_the_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "c2casgiutils.audit")
    token = CURRENT.set(RequestContext("request-1"))
    try:
        await auth.audit.record("test", auth_info=auth.AuthInfo(user=auth.UserInfo(login="octocat")))
    finally:
        CURRENT.reset(token)
    fields = vars(caplog.records[0])
    assert (fields["audit_request_id"], fields["audit_who"]) == ("request-1", "octocat")


async def test_record_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    await auth.audit.record("test", after=Broken())
    assert "Could not record the operation" in caplog.text


@pytest.mark.parametrize(
    ("error", "given", "result"),
    [(None, None, "ok"), (None, "partial", "partial"), (ValueError("no"), "partial", "failed")],
    ids=["done", "in part", "failed"],
)
async def test_operation_is_recorded_before_and_after(
    caplog: pytest.LogCaptureFixture, error: Exception | None, given: str | None, result: str
) -> None:
    """A line before it and one with its result, failed when it raises; one event for both."""
    caplog.set_level("INFO", "c2casgiutils.audit")
    request = Request({"type": "http", "client": ("10.1.1.1", 1)})
    raising = pytest.raises(ValueError, match="no") if error else contextlib.nullcontext()
    with raising:
        async with auth.audit.recorded(
            "test", request=request, auth_info=auth.AuthInfo(), target="t", before=1, after=2
        ) as record:
            assert [vars(line)["audit_result"] for line in caplog.records] == ["started"]
            assert [event.result for event in (await auth.audit.last(10))[1]] == ["started"]
            record.result = given or record.result
            if error:
                raise error
    _, line = caplog.records
    assert [event.result for event in (await auth.audit.last(10))[1]] == [result]
    fields = vars(line)
    shown = [fields[f"audit_{name}"] for name in ("action", "target", "before", "after", "result", "client")]
    assert shown == ["test", "t", 1, 2, result, "10.1.1.1"]


async def test_wrong_secret_counts_once_a_request() -> None:
    """However many dependencies ask who is calling."""
    from typing import Annotated

    from fastapi import Depends, FastAPI, Request, Response

    configure(secret=SECRET, throttle_per_client=2)
    app = FastAPI()

    @app.get("/")
    async def twice(
        request: Request, response: Response, info: Annotated[auth.AuthInfo, Depends(auth.get_auth)]
    ) -> bool:
        return info is await auth.get_auth(request, response)

    async with make_client(app) as client:
        for _ in range(2):
            assert (await client.get("/", headers={"X-API-Key": "wrong"})).json() is True
        assert (await client.get("/", headers={"X-API-Key": "wrong"})).status_code == 429


QUESTIONS = [(kind, level) for kind in ("check", "require") for level in ("read_only", "read_write", "admin")]


@pytest.mark.parametrize(("kind", "level"), QUESTIONS)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_context(kind: str, level: str, signed_in: bool) -> None:
    """Every question of a context is that of the function with its name."""
    from fastapi import HTTPException, Request, Response

    request = Request({"type": "http", "method": "GET", "headers": [], "path": "/", "query_string": b""})
    info = auth.AuthInfo(is_logged_in=signed_in)
    context = auth.AccessContext(info, request, Response())
    name = f"{kind}_{level}_access"
    for ask in (getattr(context, name), lambda: getattr(auth, name)(info, request, Response())):
        if kind == "check":
            assert await ask() is signed_in
        elif signed_in:
            await ask()
        else:
            with pytest.raises(HTTPException) as refusal:
                await ask()
            assert refusal.value.status_code == 403


async def test_questions_without_a_request() -> None:
    """The functions are called directly too, with the caller alone."""
    info = auth.AuthInfo(is_logged_in=True)
    assert await auth.check_read_only_access(info)
    assert await auth.check_access(info, auth.AuthConfig())
    assert not await auth.check_access_config(info, auth.AuthConfig())


async def test_middleware_leaves_other_scopes_alone() -> None:
    """A websocket or the lifespan passes untouched."""
    seen = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append((scope, receive, send))

    scope: dict[str, object] = {"type": "websocket"}
    receive, send = object(), object()
    await auth.CookieMiddleware(app)(scope, receive, send)  # type: ignore[arg-type]  # passed on as they are
    assert seen == [({"type": "websocket"}, receive, send)]
