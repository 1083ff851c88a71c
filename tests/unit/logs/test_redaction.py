"""No secret of an address reaches a log line."""

import logging

import pytest

from c2casgiutils import logs

URLS = {
    "/c2c/?secret=hunter2": "/c2c/?secret=***",
    "/c2c/?a=1&SECRET=hunter2&b=2": "/c2c/?a=1&SECRET=***&b=2",
    "https://h/cb?code=hunter2&state=hunter2#top": "https://h/cb?code=***&state=***#top",
    "https://h/?access_token=hunter2 GET": "https://h/?access_token=*** GET",
    "https://h/?client_secret=hunter2&refresh-token=hunter2": "https://h/?client_secret=***&refresh-token=***",
    "/login?came_from=%2Fp%3Fsecret%3Dhunter2%26a%3D1": "/login?came_from=%2Fp%3Fsecret%3D***%26a%3D1",
    "/l?a=%252Fp%253Fa%253D1%2526token%253Dhunter2": "/l?a=%252Fp%253Fa%253D1%2526token%253D***",
    "/login?came_from=/p%3Fsecret=hunter2&x=1": "/login?came_from=/p%3Fsecret=***&x=1",
    "/?secret=a%26hunter2": "/?secret=***",
    "/?secret=a;hunter2\"'<hunter2": "/?secret=***",
    "/?secret=hunter2%3Dx&secret=hunter2": "/?secret=***&secret=***",
    "/?secret=": "/?secret=",
    "/?country_code=ch&status=open&secretary=x": "/?country_code=ch&status=open&secretary=x",
    "exit code=3, state=closed": "exit code=3, state=closed",
    "nothing": "nothing",
    "/login?secre%74=abc&a=%20": "/login?secre%74=***&a=%20",
    "/login?%41=abc": "/login?%41=abc",
    "redis://user:pass@host/0": "redis://***@host/0",
    "https://host/a@b": "https://host/a@b",
    "mail to a@b": "mail to a@b",
    "token gho_0123456789abcdefgh refused": "token gho_*** refused",
    "github_pat_0123456789abcdefgh": "github_pat_***",
}


@pytest.mark.parametrize("text", URLS)
def test_values_are_replaced(text: str) -> None:
    assert logs.redact(text) == URLS[text]


def test_long_texts_take_linear_time() -> None:
    """Ten times the text that a server accepts as an address; the bound is far away from a quadratic run."""
    import time

    for text in (
        "?" + "a-" * 300_000,
        "?a" * 300_000,
        "%25" * 200_000,
        "?secret%3D" + "%2" * 300_000,
        "a://" * 150_000 + "@",
        "?%a" * 200_000 + "=",
    ):
        start = time.monotonic()
        logs.redact(text)
        assert time.monotonic() - start < 10


def record(message: object, *arguments: object, name: str = "app") -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, "f.py", 1, message, arguments, None)


def test_the_filter_changes_the_record_for_every_handler() -> None:
    class Address:
        def __str__(self) -> str:
            return "https://h/?token=hunter2"

    for entry in (
        record("called https://h/?token=hunter2"),
        record("called %s", "https://h/?token=hunter2"),
        record("called %s and %d", Address(), 5),
        record("called %(url)s", {"url": "https://h/?token=hunter2"}),
        record(Address()),
    ):
        assert logs.RedactionFilter().filter(entry)
        assert "hunter2" not in entry.getMessage()
        assert "token=***" in entry.getMessage()


def test_the_filter_keeps_what_the_access_formatter_of_uvicorn_needs() -> None:
    from uvicorn.logging import AccessFormatter

    access = '%s - "%s %s HTTP/%s" %d'
    entry = record(access, "127.0.0.1:5", "GET", "/?secret=hunter2", "1.1", 200, name="uvicorn.access")
    assert logs.RedactionFilter().filter(entry)
    formatter = AccessFormatter("%(client_addr)s %(request_line)s %(status_code)s", use_colors=False)
    assert formatter.format(entry) == "127.0.0.1:5 GET /?secret=*** HTTP/1.1 200 OK"


def test_a_wrong_format_passes_the_filter() -> None:
    entry = record("%d", "x")
    assert logs.RedactionFilter().filter(entry)
    assert entry.args == ("x",)
