"""The words of errors, which are those of the check and none of pydantic's."""

import contextlib
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError

import c2casgiutils
from c2casgiutils import config, tools
from c2casgiutils.config._environment import variables
from tests.support.auth import make_client

NONSENSE = ["nonsense \x01", "-1", "0", "a,b=c", "://", "None", "change-me-change-me"]


@pytest.mark.parametrize("name", [name for name, _ in variables(config.Settings)])
def test_no_prefix_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Whatever is wrong with a variable, its line has no words of the library that validates."""
    for text in NONSENSE:
        monkeypatch.setenv(name, text)
        with contextlib.suppress(config.ConfigurationError):
            config.Settings()
    assert "Value error" not in capsys.readouterr().err


ASSIGNMENTS: list[tuple[str, Any]] = [
    ("route_prefix", "a b"),
    ("drain_wait", "soon"),
    ("redis.url", "nothing"),
    ("redis.options", "a"),
    ("redis.sentinels", "a"),
    ("auth.jwt.secret", "short"),
    ("auth.jwt.previous_secrets", "short"),
    ("auth.jwt.cookie.age", "0"),
    ("auth.github.repository", "repo"),
    ("auth.github.user_url", "nowhere"),
    ("health.webhook", "nowhere"),
    ("proxy_headers.trusted_hosts", "10.0.0.0/33"),
]


@pytest.mark.parametrize(("path", "value"), ASSIGNMENTS)
def test_no_prefix_on_assignment(path: str, value: object) -> None:
    """An assignment that is refused says why in the same words."""
    *groups, name = path.split(".")
    target: Any = config.Settings()
    for group in groups:
        target = getattr(target, group)
    with pytest.raises(ValidationError) as refusal:
        setattr(target, name, value)
    assert "Value error" not in str(refusal.value)
    assert refusal.value.errors()[0]["type"] == "value_error"


class Model(BaseModel):
    """A model of an application that uses a type of ours."""

    wait: config.Duration


def test_no_prefix_in_a_model_of_an_application() -> None:
    """`Duration` in a model of an application says what is accepted, and is a `ValueError` still."""
    with pytest.raises(ValueError, match="Invalid time delta: 'soon'") as refusal:
        Model(wait="soon")
    assert "Value error" not in str(refusal.value)


async def test_no_prefix_where_the_router_is_included() -> None:
    """In an application that includes a router of ours, FastAPI's own answer has no prefix either."""
    config.settings = config.Settings(auth={"test": {"username": "x"}}, development=True)
    app = FastAPI()
    app.include_router(tools.logging_.router)
    async with make_client(app) as client:
        answers = [
            await client.post("/level", json={"name": "a", "level": "loud"}),
            await client.post("/level", json={"name": "root", "level": "NOTSET"}),
            await client.get("/level", params={"name": "a\nb"}),
        ]
    for answer in answers:
        assert answer.status_code == 422
        assert "Value error" not in answer.text


REFUSED = {
    "events?since=soon": "must be a time, such as",
    "debug/exchanges?status=6xx": "must be 503, or 5xx for a whole class",
    "debug/memory?analyze_type=dict": "must be the module and the name of a type, such as builtins.dict",
    "debug/memory_diff?path=//elsewhere.example": "path of the application",
}


@pytest.mark.parametrize("path", REFUSED)
async def test_words_of_a_refused_parameter(path: str) -> None:
    """They say what is accepted, without a prefix and without a regular expression."""
    config.settings = config.Settings(
        auth={"test": {"username": "x"}}, debug={"enabled": True}, development=True
    )
    async with make_client(c2casgiutils.app) as client:
        answer = await client.get(path)
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert REFUSED[path] in error["msg"]
    assert "Value error" not in answer.text
    assert "pattern" not in answer.text
