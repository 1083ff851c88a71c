"""The status codes of the application's own exceptions."""

from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from c2casgiutils import errors
from c2casgiutils.errors import _registered
from tests.support.asgi import client


class MissingError(Exception):
    """Something does not exist."""


class MissingFileError(MissingError):
    """A file does not exist."""


class UpstreamError(Exception):
    """Another server does not answer."""


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registered, "_STATUSES", {})


def make_app(error: Exception) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    return app


async def answer_to(error: Exception) -> tuple[int, Any]:
    async with client(make_app(error)) as http:
        response = await http.get("/")
    return response.status_code, response.json()["message"]


async def test_the_nearest_class_counts() -> None:
    errors.register(MissingError, 404)
    assert await answer_to(MissingFileError("no such file")) == (404, "no such file")
    errors.register(MissingFileError, 410)
    assert await answer_to(MissingFileError("no such file")) == (410, "no such file")
    assert await answer_to(MissingError()) == (404, "MissingError")


async def test_after_the_installation() -> None:
    """A module of the application that is imported later may register its exceptions too."""
    app = make_app(MissingError("late"))
    errors.register(MissingError, 404)
    async with client(app) as http:
        assert (await http.get("/")).status_code == 404


async def test_texts_of_server_errors_are_not_shown() -> None:
    errors.register(UpstreamError, 502)
    assert await answer_to(UpstreamError("db-7.internal refused")) == (502, "Bad Gateway")


async def test_before_the_database_errors() -> None:
    """Their texts, which have the statement and its values, are not shown."""
    errors.register(DBAPIError, 409)
    duplicate = IntegrityError("INSERT", {"name": "made-up"}, Exception("duplicate"))
    assert await answer_to(duplicate) == (409, "duplicate")
    fault = ProgrammingError("SELEC", {"name": "made-up"}, Exception("syntax error at made-up"))
    assert await answer_to(fault) == (409, "Conflict")


async def test_secrets_are_masked() -> None:
    errors.register(MissingError, 404)
    assert await answer_to(MissingError("no postgresql://u:hunter2@h/d")) == (404, "no postgresql://***@h/d")


async def test_an_exception_without_text() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    errors.register(BrokenError, 400)
    assert await answer_to(BrokenError()) == (400, "BrokenError")


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((HTTPException, 404), ValueError, "HTTPException has a status of its own"),
        ((MissingError, 200), ValueError, "status must be from 400 to 599, not 200"),
        ((MissingError, 600), ValueError, "status must be from 400 to 599, not 600"),
        ((MissingError, "404"), ValueError, "status must be from 400 to 599, not '404'"),
        ((int, 404), TypeError, "derived from Exception"),
        ((MissingError(), 404), TypeError, "derived from Exception"),
        ((KeyboardInterrupt, 404), TypeError, "derived from Exception"),
    ],
)
def test_wrong_arguments(arguments: tuple[Any, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        errors.register(*arguments)
