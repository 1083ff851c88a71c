"""Connections call an application and check its responses."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from c2casgiutils.acceptance import AsyncConnection, CacheExpected, Connection

ORIGIN = "https://www.example.com"
DONT_CARE = CacheExpected.DONT_CARE

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="list"><xs:complexType><xs:sequence>
<xs:element name="item" type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


async def echo(request: Request) -> Response:
    """Answer with what came in."""
    return JSONResponse(
        {
            "method": request.method,
            "type": request.headers.get("content-type", "").partition(";")[0],
            "body": (await request.body()).decode(),
            "query": dict(request.query_params),
            "x": request.headers.get("x"),
            "origin": request.headers.get("origin"),
            "started": getattr(request.state, "started", None),
        },
        headers={"Cache-Control": "no-cache"},
    )


async def answer(request: Request) -> Response:
    """Answer as the query says: `status`, `body`, `type`, and any header."""
    query = dict(request.query_params)
    return Response(
        query.pop("body", ""),
        status_code=int(query.pop("status", "200")),
        media_type=query.pop("type", None),
        headers=query,
    )


async def fail(_: Request) -> Response:
    """Raise."""
    raise LookupError("the reason")


async def empty(_: Request) -> Response:
    """Answer with nothing."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def redirect(_: Request) -> Response:
    """Lead to another path."""
    return RedirectResponse("echo")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Note the start and the end."""
    app.state.events = ["start"]
    yield {"started": True}
    app.state.events.append("stop")


def make_app() -> Starlette:
    """An application that answers as a test asks."""
    every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    routes = [
        Route("/echo", echo, methods=every),
        Route("/answer", answer, methods=every),
        Route("/fail", fail),
        Route("/empty", empty, methods=every),
        Route("/redirect", redirect),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


@pytest.fixture
def app() -> Starlette:
    return make_app()


@pytest.fixture
def connection(app: Starlette) -> Iterator[Connection]:
    with Connection(app=app, cache_expected=DONT_CARE) as connection:
        yield connection


def public(kind: type) -> dict[str, Any]:
    return {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}


def test_both_kinds_have_the_same_methods() -> None:
    """The asynchronous one has the same methods with the same parameters and descriptions."""
    sync, other = public(Connection), public(AsyncConnection)
    other["close"] = other.pop("aclose")
    assert sync.keys() == other.keys()
    for name, method in sync.items():
        assert inspect.signature(method) == inspect.signature(other[name]), name
        assert method.__doc__ == other[name].__doc__, name
        assert inspect.iscoroutinefunction(other[name]), name
    assert inspect.signature(Connection) == inspect.signature(AsyncConnection)


@pytest.mark.parametrize(
    ("method", "arguments", "sent"),
    [
        ("get", {}, ("GET", "", "")),
        ("get_json", {}, ("GET", "", "")),
        ("post", {"data": {"a": "1"}}, ("POST", "application/x-www-form-urlencoded", "a=1")),
        ("post", {"content": "text"}, ("POST", "", "text")),
        ("post_json", {"json": {"a": 1}}, ("POST", "application/json", '{"a":1}')),
        ("put", {"content": b"bytes"}, ("PUT", "", "bytes")),
        ("put_json", {"json": [1]}, ("PUT", "application/json", "[1]")),
        ("patch", {"data": {"a": "1"}}, ("PATCH", "application/x-www-form-urlencoded", "a=1")),
        ("patch_json", {"json": 0}, ("PATCH", "application/json", "0")),
        ("delete", {"expected_status": 200}, ("DELETE", "", "")),
        ("options", {}, ("OPTIONS", "", "")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_is_sent(
    app: Starlette, connection: Connection, method: str, arguments: dict[str, Any], sent: tuple[str, ...]
) -> None:
    """Each method sends its body as its kind demands, in both kinds of connections."""

    def parts(result: Any) -> tuple[str, ...]:
        if isinstance(result, str):
            result = httpx.Response(200, content=result)
        got = result.json() if isinstance(result, httpx.Response) else result
        return got["method"], got["type"], got["body"].replace('": ', '":')  # httpx before 0.28

    assert parts(getattr(connection, method)("/echo", **arguments)) == sent
    async with AsyncConnection(app=app, cache_expected=DONT_CARE) as other:
        assert parts(await getattr(other, method)("/echo", **arguments)) == sent


async def test_files(app: Starlette, connection: Connection) -> None:
    """Files are sent as the fields of a form."""
    files = {"file": ("a.txt", b"content", "text/plain")}
    async with AsyncConnection(app=app, cache_expected=DONT_CARE) as other:
        for got in connection.post_files("/echo", files), await other.post_files("/echo", files):
            assert got["type"] == "multipart/form-data"
            assert 'name="file"; filename="a.txt"' in got["body"]
            assert "content" in got["body"]


@pytest.mark.parametrize("method", ["get_json", "post_json", "put_json", "patch_json"])
async def test_no_content_is_none(app: Starlette, connection: Connection, method: str) -> None:
    """A response of 204 has no JSON, and that is no error."""
    assert getattr(connection, method)("/empty", expected_status=(200, 204)) is None
    async with AsyncConnection(app=app, cache_expected=DONT_CARE) as other:
        assert await getattr(other, method)("/empty", expected_status=(200, 204)) is None


def test_query_and_headers(app: Starlette) -> None:
    """Those of a request go before those of the connection."""
    with Connection(app=app, headers={"X": "connection"}) as connection:
        assert connection.get_json("/echo", params={"a": "b c"})["query"] == {"a": "b c"}
        assert connection.get_json("/echo")["x"] == "connection"
        assert connection.get_json("/echo", headers={"X": "request"})["x"] == "request"


@pytest.mark.parametrize(
    ("path", "options", "complaint"),
    [
        ("/none", {}, "GET http://localhost/none: status 404 instead of 200\nNot Found"),
        ("/echo", {"expected_status": (201, 202)}, "status 200 instead of 201 or 202"),
        ("/redirect", {}, "status 307 instead of 200 (to echo)"),
        ("/redirect", {"follow_redirects": True}, None),
        ("/none", {"expected_status": 404}, None),
        ("/none", {"expected_status": [404, 410]}, None),
        ("/none", {"expected_status": range(400, 500)}, None),
    ],
)
def test_the_status(
    connection: Connection, path: str, options: dict[str, Any], complaint: str | None
) -> None:
    """The status is one of those expected; otherwise the message has the body, or where a redirect leads."""
    if complaint is None:
        connection.get(path, **options)
        return
    with pytest.raises(AssertionError) as raised:
        connection.get(path, **options)
    assert complaint in str(raised.value)


def test_long_bodies_are_cut(connection: Connection) -> None:
    with pytest.raises(AssertionError, match=r"x… \(1000 more characters\)"):
        connection.get("/answer", params={"status": 400, "body": 3_000 * "x"})


def test_no_secret_in_a_message(connection: Connection) -> None:
    """The address in a message is without the secret of its query."""
    with pytest.raises(AssertionError) as raised:
        connection.get("/none", params={"secret": "made-up-secret"})
    assert "made-up-secret" not in str(raised.value)


@pytest.mark.parametrize("call_async", [False, True])
async def test_an_exception_of_the_application_is_the_cause(app: Starlette, call_async: bool) -> None:
    """It is a response with status 500, as under a server, and the cause of the failure."""
    with pytest.raises(AssertionError, match="status 500") as raised:  # noqa: PT012  # two ways to the same
        if call_async:
            async with AsyncConnection(app=app) as other:
                await other.get("/fail")
        else:
            with Connection(app=app) as connection:
                connection.get("/fail")
    assert repr(raised.value.__cause__) == "LookupError('the reason')"


@pytest.mark.parametrize(
    ("cache_control", "is_no", "is_yes"),
    [
        ("no-cache", True, False),
        ("max-age=0, must-revalidate, no-cache, no-store", True, False),
        ("No-Store", True, False),
        ("max-age=60", False, True),
        ("public, Max-Age=60", False, True),
        ('max-age="60"', False, True),
        ("max-age=60, no-store", True, False),
        ("max-age=0", False, False),
        ("max-age=-1", False, False),
        ("max-age", False, False),
        ("s-maxage=60", False, False),
        ('no-cache="Set-Cookie"', False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_caching(connection: Connection, cache_control: str | None, is_no: bool, is_yes: bool) -> None:
    """`NO` wants no-cache or no-store, `YES` an age, and the third checks nothing."""
    params = {} if cache_control is None else {"Cache-Control": cache_control}
    for expected, holds in (CacheExpected.NO, is_no), (CacheExpected.YES, is_yes), (DONT_CARE, True):
        if holds:
            connection.get("/answer", params=params, cache_expected=expected)
        else:
            with pytest.raises(AssertionError, match=r"Cache-Control is .*DONT_CARE skips this check"):
                connection.get("/answer", params=params, cache_expected=expected)


def test_nothing_may_be_cached_by_default(app: Starlette) -> None:
    with Connection(app=app) as connection, pytest.raises(AssertionError, match="Cache-Control is None"):
        connection.get("/answer")


@pytest.mark.parametrize(
    ("allow_origin", "credentials", "holds"),
    [
        ("*", False, True),
        (ORIGIN, False, True),
        (ORIGIN, True, True),
        ("*", True, False),
        ("https://other.example.com", False, False),
        (None, False, False),
    ],
)
def test_cors(app: Starlette, allow_origin: str | None, credentials: bool, holds: bool) -> None:
    """The origin is sent, and must be allowed to read the response, as browsers decide it."""
    params = {"Access-Control-Allow-Origin": allow_origin} if allow_origin else {}
    params |= {"Access-Control-Allow-Credentials": "true"} if credentials else {}
    with Connection(None, ORIGIN, app=app, cache_expected=DONT_CARE) as connection:
        connection.get("/answer", params=params, cors=False)
        if holds:
            connection.get("/answer", params=params)
        else:
            with pytest.raises(AssertionError, match="Access-Control-Allow-Origin is"):
                connection.get("/answer", params=params)


def test_the_origin_is_sent_where_it_is_checked(app: Starlette, connection: Connection) -> None:
    assert connection.get_json("/echo")["origin"] is None
    with Connection(None, ORIGIN, app=app) as other:
        assert other.get_json("/echo", cors=False)["origin"] is None
        with pytest.raises(AssertionError) as raised:
            other.get_json("/echo")
        assert "'*' or the origin" in str(raised.value)
    with pytest.raises(ValueError, match="cors=True needs an origin"):
        connection.get("/echo", cors=True)


def test_preflight_of_the_cors_middleware() -> None:
    """The middleware of Starlette passes the checks, with credentials, too."""
    cors = Middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_credentials=True, max_age=86400)
    app = Starlette(routes=[Route("/echo", echo)], middleware=[cors])
    with Connection(None, ORIGIN, app=app) as connection:
        connection.get("/echo")
        preflight = connection.options(
            "/echo", headers={"Access-Control-Request-Method": "GET"}, cache_expected=DONT_CARE
        )
    assert preflight.headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"type": "application/json", "body": "[]"}, None),
        ({"type": "application/problem+json; charset=utf-8", "body": "[]"}, None),
        ({"type": "text/html", "body": "[]"}, "Content-Type is 'text/html; charset=utf-8', it must be JSON"),
        ({"body": "[]"}, "Content-Type is None, it must be JSON"),
        ({"type": "application/json", "body": "{"}, "not valid JSON"),
        ({"type": "application/json"}, "not valid JSON"),
    ],
)
def test_json(connection: Connection, params: dict[str, str], complaint: str | None) -> None:
    """A JSON response has a media type of JSON and valid content."""
    if complaint is None:
        assert connection.get_json("/answer", params=params) == []
        return
    with pytest.raises(AssertionError) as raised:
        connection.get_json("/answer", params=params)
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"type": "application/xml", "body": "<list><item>1</item></list>"}, None),
        ({"type": "text/xml; charset=utf-8", "body": "<list><item>1</item></list>"}, None),
        ({"type": "application/gml+xml", "body": "<list><item>1</item></list>"}, None),
        ({"type": "text/html", "body": "<list/>"}, "it must be XML"),
        ({"type": "text/xml", "body": "<list>"}, "not valid XML"),
        ({"type": "text/xml", "body": "<list><item>a</item></list>"}, "'a' is not a valid value"),
    ],
)
def test_xml(connection: Connection, tmp_path: Path, params: dict[str, str], complaint: str | None) -> None:
    """An XML response has a media type of XML, valid content, and fulfils the schema."""
    schema = tmp_path / "list.xsd"
    schema.write_text(SCHEMA)
    if complaint is None:
        assert connection.get_xml("/answer", params=params).findtext("item") == "1"
        assert connection.get_xml("/answer", str(schema), params=params).tag == "list"
        return
    with pytest.raises(AssertionError) as raised:
        connection.get_xml("/answer", schema=str(schema), params=params)
    assert complaint in str(raised.value)


def test_xml_loads_no_entity(connection: Connection, tmp_path: Path) -> None:
    """A response cannot read the files of who tests it."""
    (tmp_path / "secret").write_text("made-up-secret")
    body = f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]><a>&e;</a>'
    root = connection.get_xml("/answer", params={"type": "text/xml", "body": body})
    assert "made-up-secret" not in "".join(root.itertext(with_tail=True))


async def test_the_lifespan(app: Starlette) -> None:
    """The block starts and stops the application, whose state the requests have."""
    with Connection(app=app) as connection:
        assert connection.get_json("/echo")["started"] is True
        assert app.state.events == ["start"]
    assert app.state.events == ["start", "stop"]
    async with AsyncConnection(app=app) as other:
        assert (await other.get_json("/echo"))["started"] is True
    assert app.state.events == ["start", "stop"]


async def test_the_block_may_end_in_another_task(app: Starlette) -> None:
    """Fixtures of pytest plugins begin and end in tasks of their own."""
    connection = AsyncConnection(app=app)
    await asyncio.create_task(connection.__aenter__())
    await connection.get("/echo")
    await asyncio.create_task(connection.__aexit__())
    assert app.state.events == ["start", "stop"]


@pytest.mark.parametrize("call_async", [False, True])
async def test_an_application_that_does_not_start(call_async: bool) -> None:
    """The exception of its start is the cause of the failure."""

    @asynccontextmanager
    async def broken(_: Starlette) -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    app = Starlette(lifespan=broken)
    with pytest.raises(RuntimeError, match=r"lifespan\.startup failed") as raised:  # noqa: PT012  # two ways
        if call_async:
            async with AsyncConnection(app=app):
                pass
        else:
            with Connection(app=app):
                pass
    assert repr(raised.value.__cause__) == "LookupError('no database')"


def test_an_application_without_a_lifespan() -> None:
    """One that knows http only is called as it is, as the ASGI specification says."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await Response("here", headers={"Cache-Control": "no-store"})(scope, receive, send)

    with Connection(app=app) as connection:
        assert connection.get("/") == "here"


async def test_a_block_is_needed_in_process(app: Starlette) -> None:
    """Without it the application would not be started."""
    with pytest.raises(RuntimeError, match="use the connection in a `with` block"):
        Connection(app=app).get("/echo")
    with pytest.raises(RuntimeError, match="use the connection in a `with` block"):
        await AsyncConnection(app=app).get("/echo")


def test_compressed_responses() -> None:
    """They are decoded once."""
    text = 2_000 * "x"
    app = Starlette(routes=[Route("/answer", answer)], middleware=[Middleware(GZipMiddleware)])
    with Connection(app=app, cache_expected=DONT_CARE) as connection:
        response = connection.get_raw("/answer", params={"body": text})
    assert (response.headers["content-encoding"], response.text) == ("gzip", text)


@pytest.mark.parametrize("base_url", [None, "", "localhost:8080", "ftp://localhost", "http://", "/c2c"])
def test_wrong_urls(base_url: str | None) -> None:
    for kind in Connection, AsyncConnection:
        with pytest.raises(ValueError, match="base_url must be an http or https URL"):
            kind(base_url)
