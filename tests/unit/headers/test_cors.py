"""`add_cors`: Starlette's middleware with options that cannot open an application to any page."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import headers
from tests.support.asgi import client

ORIGIN = "https://a.example"


def make_app(**options: Any) -> FastAPI:
    app = FastAPI()
    headers.add_cors(app, **options)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("boom")

    return app


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"allow_origins": ["*"]}, "allow_origins contains '*'"),
        ({"allow_origins": (ORIGIN, "*")}, "allow_origins contains '*'"),
        ({"allow_origins": ["null"]}, "allow_origins contains 'null'"),
        ({"allow_origin_regex": ".*"}, "allow_origin_regex matches others"),
        ({"allow_origin_regex": r"https://.*\.com"}, "allow_origin_regex matches others"),
        ({"allow_origins": [ORIGIN], "allow_origin_regex": re.compile(".+")}, "allow_origin_regex matches"),
    ],
    ids=str,
)
def test_any_origin_with_credentials_is_refused(options: dict[str, Any], named: str) -> None:
    """The line names the option, and the application stays unchanged; without credentials it is accepted."""
    app = FastAPI()
    with pytest.raises(ValueError, match=re.escape(named)):
        headers.add_cors(app, **options, allow_credentials=True)
    assert app.user_middleware == []
    headers.add_cors(app, **options)


@pytest.mark.parametrize("name", ["allow_origins", "allow_methods", "allow_headers", "expose_headers"])
def test_a_text_is_not_a_list(name: str) -> None:
    """Starlette would allow each part of the text, such as the origin `https://a` for `https://a.example`."""
    app = FastAPI()
    expected = rf"{name} must be a list, such as \['{ORIGIN}'\]"
    with pytest.raises(TypeError, match=expected):
        headers.add_cors(app, **{name: ORIGIN})
    with pytest.raises(TypeError, match=expected):
        c2casgiutils.install(app, cors={name: ORIGIN})
    assert app.user_middleware == []


def test_an_unknown_option_is_refused_at_once() -> None:
    """Starlette itself would complain when it serves the first request."""
    with pytest.raises(TypeError, match="allow_origin'"):
        headers.add_cors(FastAPI(), allow_origin=[ORIGIN])


async def test_preflight() -> None:
    """The answer tells how long browsers may keep it, to named origins only."""
    app = make_app(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_credentials=True, max_age=86_400)
    asked = {"Access-Control-Request-Method": "PUT"}
    async with client(app) as http:
        allowed = await http.options("/boom", headers={"Origin": ORIGIN, **asked})
        other = await http.options("/boom", headers={"Origin": "https://a.example.evil", **asked})
    assert (allowed.status_code, other.status_code) == (200, 400)
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert allowed.headers["access-control-max-age"] == "86400"
    assert "access-control-allow-origin" not in other.headers


async def test_errors_can_be_read() -> None:
    """The answer to an unhandled exception has the headers, too."""
    async with client(make_app(allow_origins=[ORIGIN])) as http:
        answer = await http.get("/boom", headers={"Origin": ORIGIN})
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == ORIGIN
