"""Any bytes in forwarded headers: no exception, and what comes out is always valid."""

import ipaddress
import os
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from c2casgiutils.headers import ForwardedHeadersMiddleware
from c2casgiutils.headers._forwarded_parser import parse_element, split_from_right
from tests.support.asgi import make_scope

PEER = ("10.0.0.2", 41000)
NAMES = [f"x-forwarded-{name}".encode() for name in ("for", "proto", "host", "port", "prefix")]

_pieces = st.sampled_from(
    [
        *(
            b"for=",
            b"host=",
            b"proto=",
            b"by=",
            b'"',
            b"\\",
            b'\\"',
            b",",
            b";",
            b"=",
            b" ",
            b"\t",
            b"[",
            b"]",
            b":",
        ),
        *(
            b"1.2.3.4",
            b"10.0.0.9",
            b"2001:db8::1",
            b"unknown",
            b"_hidden",
            b"www.ex.com",
            b"https",
            b"wss",
            b"443",
        ),
        *(b"0", b"65536", b"\xb2", b"@", b"/", b"..", b"%", b"\0", b"\r\n", b"\xff", b"999.1.1.1", b"/app"),
    ]
)
values = st.one_of(st.binary(max_size=200), st.lists(_pieces, max_size=30).map(b"".join))
KINDS = st.sampled_from(["http", "websocket"])
# `make soak` tries more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
FUZZ = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def apply(headers_type: str, headers: list[tuple[bytes, bytes]], **members: Any) -> Scope:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    middleware = ForwardedHeadersMiddleware(
        app, "10.0.0.0/8", headers_type, apply_prefix=headers_type == "x-forwarded"
    )
    host = (b"host", b"internal:8080")
    scope = make_scope(headers=[host, *headers], client=PEER, server=("internal", 8080), **members)
    return middleware._apply(scope)


def assert_valid(scope: Scope) -> None:
    """Host, server, scheme and client agree and are what they should be."""
    (host,) = [value.decode("ascii") for name, value in scope["headers"] if name == b"host"]
    name, port = scope["server"]
    default = {"http": 80, "https": 443, "ws": 80, "wss": 443}[scope["scheme"]]
    assert isinstance(port, int)
    assert 1 <= port <= 65535
    assert re.fullmatch(r"[a-z0-9_.:-]{1,253}", name)
    shown = f"[{name}]" if ":" in name else name
    assert host in {f"{shown}:{port}", *([shown] if port == default else [])}
    assert scope["scheme"].startswith("ws" if scope["type"] == "websocket" else "http")
    assert re.fullmatch(r"(/[^/?#\s]+)*", scope["root_path"])
    if scope["client"] is not None:
        address, client_port = scope["client"]
        assert 0 <= client_port <= 65535
        assert re.fullmatch(r"_[A-Za-z0-9._-]+", address) or ipaddress.ip_address(address)


@FUZZ
@given(st.lists(values, min_size=1, max_size=3), KINDS)
def test_forwarded(lines: list[bytes], kind: str) -> None:
    assert_valid(apply("forwarded", [(b"forwarded", line) for line in lines], kind=kind))


@FUZZ
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), values), min_size=1, max_size=8),
    st.sampled_from(["http", "websocket"]),
)
def test_x_forwarded(headers: list[tuple[bytes, bytes]], kind: str) -> None:
    assert_valid(apply("x-forwarded", headers, kind=kind))


@FUZZ
@given(values)
def test_client_cannot_choose(text: bytes) -> None:
    """Whatever stands on the left of what the proxy wrote changes nothing."""
    written = b'for=1.2.3.4;host="www.ex.com:81";proto=https'
    headers = [(b"forwarded", text), (b"forwarded", written)]
    alone = apply("forwarded", [(b"forwarded", written)])
    both = apply("forwarded", headers)
    for member in ("scheme", "server", "client"):
        assert both[member] == alone[member]
    assert both["client"] == ("1.2.3.4", 0)


@FUZZ
@given(values)
def test_client_cannot_choose_its_address(text: bytes) -> None:
    headers = [(b"x-forwarded-for", text), (b"x-forwarded-for", b"1.2.3.4")]
    if text.count(b",") < 48:
        assert apply("x-forwarded", headers)["client"] == ("1.2.3.4", 0)


_tokens = st.text("abcXYZ09!#$%&'*+.^_`|~-", min_size=1, max_size=8)
_quotable = st.text([*map(chr, range(0x20, 0x7F)), "\t", "\xe9"], max_size=12)


@FUZZ
@given(
    st.lists(
        st.dictionaries(_tokens.map(str.lower), _quotable, min_size=1, max_size=4), min_size=1, max_size=6
    )
)
def test_round_trip(elements: list[dict[str, str]]) -> None:
    """What is written after the grammar is read back, whatever the quoted strings hold."""

    def quote(value: str) -> str:
        return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'

    texts = ["; ".join(f"{name}={quote(value)}" for name, value in element.items()) for element in elements]
    parsed = [parse_element(text) for text in split_from_right(" , ".join(texts))]
    assert parsed == elements[::-1]


HOSTILE = [
    b'"' * 8192,
    b'\\"' * 4096,
    b"," * 8192,
    b";" * 8192,
    b'a="\\' * 2000,
    b"for=" * 2048,
    b'for="' * 1600,
    b" " * 8192,
    b"a=b;" * 2048,
    b'x="' + b"\\" * 8000,
    b"[" * 8192,
    b":" * 8192,
    b"1." * 4096,
    b"a." * 4096,
]


def cost(value: bytes) -> float:
    """The seconds of computation for a value in each of the headers."""
    start = time.thread_time()
    for name in NAMES:
        apply("x-forwarded", [(name, value)])
    apply("forwarded", [(b"forwarded", value)])
    return time.thread_time() - start


@pytest.mark.no_cover
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value[:8]))
def test_cost_is_linear(value: bytes) -> None:
    """Eight times the length costs about 8 times as much; with its square it would be 64 times."""
    short, long = (min(cost(value[:length]) for _ in range(5)) for length in (len(value) // 8, len(value)))
    assert long < 20 * short
