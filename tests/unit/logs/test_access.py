"""Lines of the access logs of all servers."""

import json
import logging
from collections import UserDict
from typing import Any

import pytest

from c2casgiutils import logs

UVICORN = ('%s - "%s %s HTTP/%s" %d', ("192.0.2.7:5", "GET", "/a%20b?token=hunter2&c", "1.1", 200))
UVICORN_6 = (UVICORN[0], ("2001:db8::7:5", "GET", "/a%20b?token=hunter2&c", "1.1", 200))
GRANIAN = (
    '%(addr)s - "%(method)s %(path)s?%(query_string)s %(protocol)s" %(status)d',
    {
        "addr": "192.0.2.7",
        "method": "GET",
        "path": "/a%20b",
        "query_string": "token=hunter2&c",
        "protocol": "HTTP/1.1",
        "status": 200,
    },
)
ATOMS = {
    "m": "GET",
    "U": "/a%20b",
    "q": "token=hunter2&c",
    "r": "GET /a%20b?token=hunter2&c HTTP/1.1",
    "a": "client of 100%",
}
GUNICORN = ('%(h)s "%(r)s" %(s)s "%(a)s"', {**ATOMS, "h": "192.0.2.7", "s": 200})
HYPERCORN = ('%(h)s "%(r)s" %(s)s "%(a)s"', {**ATOMS, "h": "192.0.2.7:5", "s": "200"})
LINES = [
    pytest.param("uvicorn.access", *UVICORN, id="uvicorn"),
    pytest.param("uvicorn.access", *UVICORN_6, id="uvicorn with IPv6"),
    pytest.param("granian.access", *GRANIAN, id="granian"),
    pytest.param("gunicorn.access", *GUNICORN, id="gunicorn"),
    pytest.param("hypercorn.access", *HYPERCORN, id="hypercorn"),
]


def record(name: str, message: str, arguments: Any) -> logging.LogRecord:
    given = arguments if isinstance(arguments, tuple) else (arguments,)
    return logging.LogRecord(name, 20, "f.py", 1, message, given, None)


def fields(entry: logging.LogRecord) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(logs.JsonFormatter().format(entry))
    return result


@pytest.mark.parametrize("redacted", [False, True])
@pytest.mark.parametrize(("name", "message", "arguments"), LINES)
def test_the_fields(name: str, message: str, arguments: Any, redacted: bool) -> None:
    """The same for all servers, also after a filter replaced the secrets."""
    entry = record(name, message, arguments)
    if redacted:
        logs.RedactionFilter().filter(entry)
        assert "hunter2" not in entry.getMessage()
    result = fields(entry)
    client = "2001:db8::7" if "2001" in str(arguments) else "192.0.2.7"
    expected = {"client_addr": client, "method": "GET", "path": "/a%20b", "status_code": 200}
    assert {key: result.get(key) for key in expected} == expected
    assert "token=***" in result["msg"]
    assert "hunter2" not in str(result)
    assert logs.ConsoleFormatter("%(message)s").format(entry) == result["msg"]


@pytest.mark.parametrize(("name", "message", "arguments"), LINES)
def test_probes(name: str, message: str, arguments: Any) -> None:
    assert not logs.ProbeFilter(["/a%20b"]).filter(record(name, message, arguments))
    assert logs.ProbeFilter(["/other"]).filter(record(name, message, arguments))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hypercorn.access", {**ATOMS, "h": None, "s": "-"}),
        ("gunicorn.access", {"h": "192.0.2.7"}),
        ("granian.access", UserDict()),
        ("granian.access", ()),
        ("uvicorn.access", ("one",)),
        ("my_app.access", GUNICORN[1]),
    ],
)
def test_other_lines(name: str, arguments: Any) -> None:
    """A connection without a response, a custom format, a logger with a similar name."""
    entry = record(name, "text", arguments)
    assert "status_code" not in fields(entry)
    assert logs.ProbeFilter(["/a%20b"]).filter(entry)
