"""What the scrubber hides and what it leaves."""

from typing import Any

import pytest

from c2casgiutils.health_checks._scrub import scrub, scrub_text

SECRET = "hush-hush"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hush-hush@db:5432/x",
        "redis://:hush-hush@cache",
        "redis://:p@ss/hush-hush@cache:6379/0",
        "amqp://hush-hush@broker",
        'connect to "mysql+aiomysql://me:hush-hush@db/x" failed',
        "password=hush-hush",
        "host=db user=me password='hush-hush is long' dbname=x",
        'PASSWORD = "hush-hush"',
        "pwd:hush-hush",
        '{"api_key": "hush-hush"}',
        "{'client_secret': 'hush-hush'}",
        "token=hush-hush&x=1",
        "https://x.test/?access_token=hush-hush",
        "Authorization: Bearer hush-hush-hush",
        "Authorization: Basic aHVzaC1odXNo hush"[:31] + " Bearer hush-hush",
        "Bearer hush-hush",
        "C2C__AUTH__JWT__SECRET=hush-hush",
        "PGPASSWORD=hush-hush",
        "X-API-Key: hush-hush",
        "dsn=hush-hush",
        "Cookie: hush-hush",
    ],
)
def test_credentials_are_masked(text: str) -> None:
    assert "hush-hush" not in scrub_text(text)
    assert "***" in scrub_text(text)


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 40,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
def test_tokens_are_masked(token: str) -> None:
    assert token not in scrub_text(f"got {token} from it")


@pytest.mark.parametrize(
    "text",
    [
        "connection to server at 127.0.0.1, port 5432 failed: Connection refused",
        'FATAL: password authentication failed for user "c2c"',
        "relation alembic_version does not exist",
        "https://example.com/path?x=1",
        "mail me@example.com",
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    assert scrub_text(text) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": SECRET, "n": 1}, {"password": "***", "n": 1}),
        ({"a": [{"api-key": SECRET}]}, {"a": [{"api-key": "***"}]}),
        (["x", f"redis://:{SECRET}@c"], ["x", "redis://***@c"]),
        ({"token_count": 3, "token": ""}, {"token_count": 3, "token": ""}),
        ({"secret": {"name": SECRET}}, {"secret": "***"}),
    ],
)
def test_json_values(value: Any, expected: Any) -> None:
    assert scrub(value) == expected


def test_given_strings() -> None:
    assert scrub({"x": "it was tr0ub4dor"}, ["tr0ub4dor"]) == {"x": "it was ***"}


def test_long_text_is_quick() -> None:
    """No pattern takes quadratic time on what a failing service sends."""
    import time

    for text in ("a" * 200_000, "x://" * 50_000, "password" * 25_000, "token " * 30_000, "'" * 100_000):
        started = time.monotonic()
        scrub_text(text)
        assert time.monotonic() - started < 5, text[:10]
