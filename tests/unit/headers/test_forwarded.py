"""What `ForwardedHeadersMiddleware` makes of headers: the tables R and X of vectors, by their ids."""

import logging
import re
from typing import Any, NamedTuple

import pytest
from starlette.types import Receive, Scope, Send

from c2casgiutils.headers import ForwardedHeadersMiddleware
from tests.support.asgi import call, make_scope

TRUSTED = "127.0.0.1, ::1, 10.0.0.0/8"
PEER = ("10.0.0.2", 41000)
KEEP = "keep"

HeaderList = list[tuple[str, str]]


class Expected(NamedTuple):
    """What the application sees; `keep` is what the server gave."""

    scheme: str = "http"
    host: str = "internal:8080"
    port: int = 8080
    client: Any = PEER


KEPT = Expected()


async def seen_scope(headers: HeaderList, *, options: dict[str, Any] | None = None, **members: Any) -> Scope:
    """The scope that the application gets; in that of the server nothing but the client is changed."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    scope = make_scope(
        headers=[("host", "internal:8080"), *headers],
        **{"client": PEER, "server": ("internal", 8080), **members},
    )
    before = {**scope, "headers": list(scope["headers"])}
    await call(ForwardedHeadersMiddleware(app, **{"trusted_hosts": TRUSTED, **(options or {})}), scope)
    assert scope == {**before, "client": scopes[0]["client"]}, (
        "more than the client was changed for the server"
    )
    return scopes[0]


def check(scope: Scope, expected: Expected) -> None:
    hosts = [value.decode() for name, value in scope["headers"] if name == b"host"]
    assert (scope["scheme"], hosts, scope["server"][1], scope["client"]) == (
        expected.scheme,
        [expected.host],
        expected.port,
        expected.client,
    )
    name = expected.host.rpartition("]")[0].removeprefix("[") or expected.host.partition(":")[0]
    assert scope["server"][0] == name


CLIENT = ("1.2.3.4", 0)
WWW = "www.ex.com"
HTTP_WWW = Expected("http", WWW, 80)
FORWARDED: dict[str, tuple[list[str], Expected]] = {
    "R01": (["for=1.2.3.4;proto=https;host=www.ex.com"], Expected("https", WWW, 443, CLIENT)),
    "R03": (["host=www.ex.com"], Expected("http", WWW, 80)),
    "R04": (["FOR=1.2.3.4;PROTO=HTTPS;HOST=WWW.EX.COM"], Expected("https", WWW, 443, CLIENT)),
    "R05": (['for="[2001:db8::1]:4711";host=www.ex.com'], Expected("http", WWW, 80, ("2001:db8::1", 4711))),
    "R06": (['for=1.2.3.4;host="[2001:db8::2]:8443"'], Expected("http", "[2001:db8::2]:8443", 8443, CLIENT)),
    "R07": (
        ['for="1.2.3.4:55";host="www.ex.com:8443";proto=https'],
        Expected("https", "www.ex.com:8443", 8443, ("1.2.3.4", 55)),
    ),
    "R08": (['for="a,b";host=www.ex.com'], HTTP_WWW),
    "R09": (['for=1.2.3.4;x="a;b,c";host=www.ex.com'], Expected("http", WWW, 80, CLIENT)),
    "R10": ([r'host="www.ex.com\"evil"'], KEPT),
    "R11": ([r'host="www\.ex.com"'], Expected("http", WWW, 80)),
    "R12": (["host=evil.ex;host=www.ex.com"], KEPT),
    "R12 other case": (["host=evil.ex;Host=www.ex.com"], KEPT),
    "R13": (["host = www.ex.com"], KEPT),
    "R14": (['host="www.ex.com;proto=https'], KEPT),
    "R15": (["for=evil;host=evil.ex, for=1.2.3.4;host=www.ex.com"], Expected("http", WWW, 80, CLIENT)),
    "R16": (["host=evil.ex", "for=1.2.3.4;host=www.ex.com"], Expected("http", WWW, 80, CLIENT)),
    "R17": (
        ["for=1.2.3.4;host=www.ex.com;proto=https, for=10.0.0.9;host=inner;proto=http"],
        Expected("https", WWW, 443, CLIENT),
    ),
    "R18": (
        ["for=9.9.9.9;host=evil.ex, for=1.2.3.4;host=www.ex.com, for=10.0.0.9"],
        Expected("http", WWW, 80, CLIENT),
    ),
    "R19": (["for=10.0.0.5, for=10.0.0.9"], Expected(client=("10.0.0.5", 0))),
    "R20": (["for=unknown;host=www.ex.com"], HTTP_WWW),
    "R20 on the left": (["for=9.9.9.9, for=Unknown, for=10.0.0.9"], KEPT),
    "R20 with a port": (["for=unknown:80;host=www.ex.com"], HTTP_WWW),
    "R21": (["for=_hidden;proto=https"], Expected("https", client=("_hidden", 0))),
    "R22": (['for="1.2.3.4:_p"'], Expected(client=CLIENT)),
    "R23": (["for=_;host=www.ex.com"], HTTP_WWW),
    "R24": (["for=[2001:db8::1];host=www.ex.com"], Expected("http", WWW, 80, ("2001:db8::1", 0))),
    "R25": (['for="[fe80::1%25eth0]"'], KEPT),
    "R26": (["for=999.1.1.1;host=www.ex.com"], HTTP_WWW),
    "R27": (['host="www.ex.com:99999"'], KEPT),
    "R28": (['host="www.ex.com:abc"'], KEPT),
    "R29": (['host="a@evil.ex"'], KEPT),
    "R30": (['host="www.ex.com/x"'], KEPT),
    "R31": (["proto=javascript;host=www.ex.com"], Expected("http", WWW, 80)),
    "R32": (['host="www.ex.com%0d%0aX: y"'], KEPT),
    "R33": (["host=;proto=https"], Expected("https")),
    "R34 empty": ([""], KEPT),
    "R34 commas": ([",,,"], KEPT),
    "R34 semicolon": ([";"], KEPT),
    "R34 no value": (["host"], KEPT),
    "R35": ([", host=www.ex.com ,"], Expected("http", WWW, 80)),
    "R36 elements": ([", ".join(["for=1.2.3.4;host=www.ex.com"] * 51)], KEPT),
    "R36 length": (["host=www.ex.com;x=" + "a" * 9216], KEPT),
    "R37": (["by=10.0.0.2;for=1.2.3.4;host=www.ex.com;secret=x"], Expected("http", WWW, 80, CLIENT)),
    "R38": (['for="::ffff:1.2.3.4"'], KEPT),
    "R39": (['for="[::ffff:10.0.0.9]", '], Expected(client=("10.0.0.9", 0))),
    "R39 goes on": (['for=1.2.3.4, for="[::ffff:10.0.0.9]"'], Expected(client=CLIENT)),
    "R40": (["proto=wss;host=www.ex.com"], Expected("https", WWW, 443)),
    "white space": (["for=1.2.3.4 ;\thost=www.ex.com ; proto=https\t"], Expected("https", WWW, 443, CLIENT)),
    "50 elements": ([", ".join(["for=10.0.0.9"] * 49 + ["for=1.2.3.4"])], Expected(client=CLIENT)),
    "open quote from the client": (
        ['for="x', "for=1.2.3.4;host=www.ex.com"],
        Expected("http", WWW, 80, CLIENT),
    ),
    "quotes from the client around a proxy's": (
        ['for=6.6.6.6;x="', 'for=1.2.3.4;host="www.ex.com:81"'],
        Expected("http", "www.ex.com:81", 81, CLIENT),
    ),
    "escaped quote before a comma": (
        [r'host=evil.ex, for=1.2.3.4;x="\",host=evil.ex";host=www.ex.com'],
        Expected("http", WWW, 80, CLIENT),
    ),
    "escaped backslash at the end": (
        [r'for=1.2.3.4;x="a,\\";host=www.ex.com'],
        Expected("http", WWW, 80, CLIENT),
    ),
    "bad host of the client's element": (
        ['for=1.2.3.4;host="a b", for=10.0.0.9;host=www.ex.com'],
        Expected("http", WWW, 80, CLIENT),
    ),
    "empty port": (['host="www.ex.com:"'], Expected("http", WWW, 80)),
    "default port": (['host="www.ex.com:443";proto=https'], Expected("https", WWW, 443)),
    "port of the node out of range": (['for="1.2.3.4:65536"'], KEPT),
    "ports without quotes": (
        ["for=1.2.3.4:4711;host=a.example:8443;proto=https"],
        Expected("https", "a.example:8443", 8443, ("1.2.3.4", 4711)),
    ),
    "IPv6 and ports without quotes": (
        ["for=[2001:db8::1]:4711;host=[2001:db8::2]:8443"],
        Expected("http", "[2001:db8::2]:8443", 8443, ("2001:db8::1", 4711)),
    ),
    "a trusted hop without quotes": (
        ["for=9.9.9.9, for=1.2.3.4:4711;proto=https, for=10.0.0.9:80"],
        Expected("https", client=("1.2.3.4", 4711)),
    ),
    "an invalid value drops its pair": (
        ['for=1.2.3.4;host="a b";proto=https'],
        Expected("https", client=CLIENT),
    ),
    "white space around = drops its pair": (["for=1.2.3.4; host = evil.ex"], Expected(client=CLIENT)),
    "what is no pair": (["garbage;for=1.2.3.4;host=www.ex.com"], Expected("http", WWW, 80, CLIENT)),
    "text behind a quoted value": (['for=1.2.3.4;host="evil.ex"x'], Expected(client=CLIENT)),
    "an invalid hop ends the walk": (
        ["for=9.9.9.9;host=evil.ex, for=1.2.3;host=www.ex.com, for=10.0.0.9"],
        Expected("http", WWW, 80, ("10.0.0.9", 0)),
    ),
    "a repeated name of which one is invalid": (['host="a b";host=www.ex.com'], KEPT),
    "a repeated name with white space": (["host =evil.ex;host=www.ex.com"], KEPT),
    "a repeated name in the middle": (
        ["for=9.9.9.9, for=1.2.3.4;for=1.2.3.5;host=evil.ex, for=10.0.0.9;proto=https"],
        Expected("https", client=("10.0.0.9", 0)),
    ),
    "an open quote in the middle": (
        ['for=9.9.9.9;host=evil.ex, for=1.2.3.4;host="evil.ex', "for=10.0.0.9;proto=https"],
        Expected("https", client=("10.0.0.9", 0)),
    ),
    "a quote inside a value": (['for=1.2.3.4;host=a"b, for=10.0.0.9'], Expected(client=("10.0.0.9", 0))),
}


@pytest.mark.parametrize(("values", "expected"), FORWARDED.values(), ids=FORWARDED)
async def test_forwarded(values: list[str], expected: Expected) -> None:
    headers = [("forwarded", value) for value in values]
    check(await seen_scope(headers, options={"headers_type": "forwarded"}), expected)


async def test_r02_untrusted_peer() -> None:
    headers = [("forwarded", "for=1.2.3.4;proto=https;host=www.ex.com")]
    peer = ("192.0.2.1", 9)
    scope = await seen_scope(headers, options={"headers_type": "forwarded"}, client=peer)
    check(scope, Expected(client=peer))


async def test_r40_websocket() -> None:
    headers = [("forwarded", "proto=wss;host=www.ex.com")]
    scope = await seen_scope(headers, options={"headers_type": "forwarded"}, kind="websocket")
    check(scope, Expected("wss", WWW, 443))


FOR, PROTO, HOST, PORT = "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"
X_FORWARDED: dict[str, tuple[HeaderList, Expected]] = {
    "X01": ([(FOR, "1.2.3.4"), (PROTO, "https"), (HOST, WWW)], Expected("https", WWW, 443, CLIENT)),
    "X03": ([(FOR, "9.9.9.9, 1.2.3.4")], Expected(client=CLIENT)),
    "X04": ([(FOR, "9.9.9.9, 1.2.3.4, 10.0.0.9")], Expected(client=CLIENT)),
    "X05": ([(FOR, "9.9.9.9"), (FOR, "1.2.3.4")], Expected(client=CLIENT)),
    "X06 v4 and port": ([(FOR, "1.2.3.4:55")], Expected(client=CLIENT)),
    "X06 v6 and port": ([(FOR, "[2001:db8::1]:55")], Expected(client=("2001:db8::1", 0))),
    "X06 v6": ([(FOR, "2001:db8::1")], Expected(client=("2001:db8::1", 0))),
    "X07": ([(FOR, "garbage, 1.2.3.4, unknown")], KEPT),
    "X07 behind a proxy": ([(FOR, "unknown, 10.0.0.9"), (HOST, "www.ex.com, inner")], HTTP_WWW),
    "an empty member at the end": ([(FOR, "203.0.113.9,")], Expected(client=("203.0.113.9", 0))),
    "an empty second header": ([(FOR, "203.0.113.9"), (FOR, "")], Expected(client=("203.0.113.9", 0))),
    "an empty member in the middle": ([(FOR, "1.2.3.4,,127.0.0.1")], Expected(client=CLIENT)),
    "blank members": ([(FOR, " ,1.2.3.4, \t ,")], Expected(client=CLIENT)),
    "an empty member of the scheme": ([(PROTO, "https,")], Expected("https")),
    "an empty member of the host": ([(HOST, "www.ex.com,")], HTTP_WWW),
    "an empty member of the port": (
        [(HOST, WWW), (PORT, ",8443, ")],
        Expected("http", "www.ex.com:8443", 8443),
    ),
    "empty members and the place of the client": (
        [(FOR, "1.2.3.4,,10.0.0.9"), (HOST, "www.ex.com,inner,"), (PROTO, ",https,http")],
        Expected("https", WWW, 443, CLIENT),
    ),
    "50 hops and empty members": (
        [(FOR, ",,".join(["10.0.0.9"] * 49 + ["1.2.3.4"]))],
        Expected(client=CLIENT),
    ),
    "X08 markup": ([(FOR, "<script>")], KEPT),
    "X08 many": ([(FOR, ", ".join(["1.2.3.4"] * 10_000))], KEPT),
    "X08 51": ([(FOR, ",".join(["1.2.3.4"] * 51))], KEPT),
    "garbage left of a trusted hop": ([(FOR, "1.2.3.4, <x>, 10.0.0.9")], Expected(client=("10.0.0.9", 0))),
    "X09": ([(PROTO, "https")], Expected("https")),
    "X10": ([(HOST, WWW), (PORT, "8443")], Expected("http", "www.ex.com:8443", 8443)),
    "X11": ([(HOST, "www.ex.com:81"), (PORT, "8443")], Expected("http", "www.ex.com:81", 81)),
    "X13": ([(HOST, "evil.ex, www.ex.com")], HTTP_WWW),
    "X14": ([(HOST, "evil.ex"), (HOST, WWW)], HTTP_WWW),
    "X15": ([(PROTO, "http, https")], Expected("https")),
    "X16": (
        [(FOR, "1.2.3.4, 10.0.0.9"), (HOST, "www.ex.com, inner"), (PROTO, "https, http")],
        Expected("https", WWW, 443, CLIENT),
    ),
    **{
        f"X17 {port}": ([(HOST, f"www.ex.com:{port}")], KEPT)
        for port in ("99999", "abc", "-1", "80%00", "65536")
    },
    "X18 empty port": ([(HOST, "www.ex.com:")], HTTP_WWW),
    "X18 port 0": ([(HOST, "www.ex.com:0")], KEPT),
    **{
        f"X19 {port[:20]!r}": ([(HOST, WWW), (PORT, port)], HTTP_WWW)
        for port in (
            "0",
            "99999",
            "1" * 300,
            "1" * 5000,
            "²",
            "443,80",
            "+80",
            " 8 0",
            "",
            "65536",
            "8_0",
            "0x50",
        )
    },
    "X20": ([(HOST, "2001:db8::1")], KEPT),
    "X21": ([(HOST, "[2001:DB8::1]:8443")], Expected("http", "[2001:db8::1]:8443", 8443)),
    **{
        f"X22 {host}": ([(HOST, host)], KEPT)
        for host in (
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "[::1",
            "::1]",
            "[evil]",
            "[]",
            "[1.2.3.4]",
            "[::1]x",
        )
    },
    **{
        f"X23 {host}": ([(HOST, host)], KEPT)
        for host in ("www.ex.com@evil.ex", "a:b@evil.ex", "www.ex.com\\@evil.ex")
    },
    **{f"X24 {tail}": ([(HOST, WWW + tail)], KEPT) for tail in ("/evil", "?x", "#f")},
    **{
        f"X25 {host[:10]!r}": ([(HOST, host)], KEPT)
        for host in (
            *(
                "<script>",
                'a"b',
                "a b",
                "a\tb",
                "a" * 8000,
                "a..b",
                "-a.b",
                "a-.b",
                "a" * 64 + ".b",
                ".a",
                ".",
            ),
            *(
                "a" * 63 + "." + ("b" * 63 + ".") * 3 + "c",
                "a\0b",
                "a\x7fb",
                "1.2.3",
                "1.2.3.4.5",
                "0x7f.1",
                "a.0x",
            ),
        )
    },
    "X26 latin-1": ([(HOST, "www\xe9.ex")], KEPT),
    "X26 UTF-8": ([(HOST, "wwwé.ex".encode().decode("latin-1"))], KEPT),
    "X27 punycode": ([(HOST, "xn--bcher-kva.ex")], Expected("http", "xn--bcher-kva.ex", 80)),
    "X27 underscore": ([(HOST, "a_b.ex.com")], Expected("http", "a_b.ex.com", 80)),
    "X27 dot": ([(HOST, "WWW.EX.COM.")], HTTP_WWW),
    "X28 empty": ([(HOST, "")], KEPT),
    "X28 comma": ([(HOST, ",")], KEPT),
    "X29 javascript": ([(PROTO, "javascript")], KEPT),
    "X29 semicolon": ([(PROTO, "https;x")], KEPT),
    "X29 case and blank": ([(PROTO, "HTTPS ")], Expected("https")),
    "X30": ([(PROTO, "wss")], Expected("https")),
    "X31": ([("x_forwarded_host", "evil.ex")], KEPT),
    "X32 Forwarded": ([("forwarded", "host=evil.ex")], KEPT),
    "IPv4 host": ([(HOST, "192.0.2.7:8081")], Expected("http", "192.0.2.7:8081", 8081)),
    "longest label": ([(HOST, "a" * 63 + ".b")], Expected("http", "a" * 63 + ".b", 80)),
    "lists of other lengths": (
        [(FOR, "1.2.3.4, 10.0.0.8, 10.0.0.9"), (HOST, "evil.ex, www.ex.com")],
        Expected("http", WWW, 80, CLIENT),
    ),
    "port alone": ([(PORT, "443")], KEPT),
}


@pytest.mark.parametrize(("headers", "expected"), X_FORWARDED.values(), ids=X_FORWARDED)
async def test_x_forwarded(headers: HeaderList, expected: Expected) -> None:
    check(await seen_scope(headers), expected)


async def test_x02_untrusted_peer() -> None:
    headers = [(FOR, "1.2.3.4"), (PROTO, "https"), (HOST, WWW)]
    check(await seen_scope(headers, client=("192.0.2.1", 9)), Expected(client=("192.0.2.1", 9)))


async def test_x12_host_of_the_proxy() -> None:
    """A port in its own header belongs to the Host header that has none."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    for port in ("443", "8443"):
        scope = make_scope(headers=[("host", WWW), (PROTO, "https"), (PORT, port)], client=PEER)
        await call(ForwardedHeadersMiddleware(app, TRUSTED), scope)
    check(scopes[0], Expected("https", WWW, 443))
    check(scopes[1], Expected("https", "www.ex.com:8443", 8443))


async def test_x32_other_family() -> None:
    """In forwarded mode X-Forwarded-* count for nothing."""
    scope = await seen_scope([(HOST, "evil.ex"), (FOR, "1.2.3.4")], options={"headers_type": "forwarded"})
    check(scope, KEPT)


@pytest.mark.parametrize(
    ("prefix", "root_path"),
    [
        pytest.param("/app", "/app", id="X33"),
        pytest.param("/app/", "/app", id="slash at the end"),
        pytest.param("/a/b-c.d", "/a/b-c.d", id="segments"),
        *(
            pytest.param(prefix, "", id=f"X33 {prefix[:12]!r}")
            for prefix in (
                *(
                    "//evil",
                    "/a/../b",
                    "/a\r\nb",
                    "app",
                    "/",
                    "",
                    "/a/..",
                    "/./a",
                    "/a//b",
                    "/a b",
                    "/a?b",
                    "/é",
                ),
                *("/a%2fb", "/" + "a" * 2000, "/a\\b", "https://evil.ex"),
            )
        ),
    ],
)
async def test_x33_prefix(prefix: str, root_path: str) -> None:
    scope = await seen_scope([("x-forwarded-prefix", prefix)], options={"apply_prefix": True}, path="/x")
    assert scope["root_path"] == root_path
    assert (scope["path"], scope["raw_path"]) == (f"{root_path}/x", f"{root_path}/x".encode())


async def test_x33_not_asked_for() -> None:
    scope = await seen_scope([("x-forwarded-prefix", "/app")], path="/x")
    assert (scope["root_path"], scope["path"]) == ("", "/x")


@pytest.mark.parametrize("peer", [None, ("unix:", 0), ("", 0)], ids=repr)
@pytest.mark.parametrize(("trusted", "is_applied"), [("unix:", True), ("*", True), ("127.0.0.1", False)])
async def test_x34_unix_socket(peer: object, trusted: str, is_applied: bool) -> None:
    """A peer without an address is trusted by the name `unix:`."""
    scope = await seen_scope([(FOR, "1.2.3.4")], options={"trusted_hosts": trusted}, client=peer)
    assert scope["client"] == (CLIENT if is_applied else peer)


TRUST = [
    pytest.param("10.0.0.0/8", "::ffff:10.0.0.2", True, id="X35"),
    pytest.param("::ffff:10.0.0.0/104", "10.0.0.2", True, id="mapped network"),
    pytest.param("::ffff:10.0.0.2", "10.0.0.2", True, id="mapped address"),
    pytest.param("10.0.0.1/8", "10.9.9.9", True, id="network with host bits"),
    pytest.param("10.0.0.0/8", "11.0.0.2", False, id="outside the network"),
    pytest.param("::1", "0:0:0:0:0:0:0:1", True, id="another spelling"),
    pytest.param("fe80::/10", "fe80::1%eth0", True, id="peer with a zone"),
    pytest.param("2001:db8::/32", "2001:db9::1", False, id="outside the IPv6 network"),
    pytest.param("*", "192.0.2.1", True, id="everyone"),
    pytest.param(["*"], "192.0.2.1", True, id="everyone, list"),
    pytest.param(["192.0.2.1", " 192.0.2.2 "], "192.0.2.2", True, id="list"),
    pytest.param(" 192.0.2.1 ,, 192.0.2.2", "192.0.2.2", True, id="blanks and empty members"),
    pytest.param("", "127.0.0.1", False, id="nobody"),
    pytest.param([], "127.0.0.1", False, id="empty list"),
    pytest.param("testclient", "testclient", True, id="literal"),
    pytest.param("testclient", "other", False, id="other literal"),
    pytest.param("/run/app.sock", "/run/app.sock", True, id="path of a socket"),
    pytest.param("localhost", "127.0.0.1", False, id="names are not resolved"),
    pytest.param("10.0.0.2", "a" * 5000, False, id="long peer"),
]


@pytest.mark.parametrize(("trusted", "peer", "is_trusted"), TRUST)
async def test_trust(trusted: Any, peer: str, is_trusted: bool) -> None:
    scope = await seen_scope([(FOR, "1.2.3.4")], options={"trusted_hosts": trusted}, client=(peer, 41000))
    assert scope["client"] == (CLIENT if is_trusted else (peer, 41000))


async def test_everyone_is_trusted() -> None:
    """With `*` every hop is one of ours, so the left-most address is the client."""
    scope = await seen_scope([(FOR, "9.9.9.9, 1.2.3.4")], options={"trusted_hosts": "*"})
    assert scope["client"] == ("9.9.9.9", 0)


REPLACED = [
    pytest.param("10.0.0.9", ("10.0.0.9", 0), id="no port"),
    pytest.param("127.0.0.1:9", ("127.0.0.1", 9), id="trusted address and port"),
    pytest.param("203.0.113.9:51234", ("203.0.113.9", 51234), id="Azure"),
    pytest.param("203.0.113.9, 127.0.0.1:9, 10.0.0.9", ("127.0.0.1", 9), id="in the middle"),
    pytest.param("[::1]:9", ("::1", 9), id="IPv6"),
    pytest.param("[::ffff:127.0.0.1]:9", ("::ffff:127.0.0.1", 9), id="mapped"),
    pytest.param("[::ffff:7f00:1]:9", ("127.0.0.1", 9), id="another spelling"),
    pytest.param("127.0.0.1:0009", ("127.0.0.1", 9), id="zeros"),
    pytest.param("127.0.0.1: +9 ", ("127.0.0.1", 9), id="as lenient as int()"),
    pytest.param("127.0.0.1:-1", ("127.0.0.1", -1), id="no legal port"),
    pytest.param("127.0.0.1%x:9", ("127.0.0.1%x", 9), id="zone"),
    pytest.param("testclient:9", ("testclient", 9), id="name"),
    pytest.param("unix:", ("unix:", 0), id="unix socket"),
    pytest.param("[unix:]:9", ("unix:", 9), id="unix socket and port"),
]


@pytest.mark.parametrize(("chain", "peer"), REPLACED)
@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("headers_type", ["x-forwarded", "forwarded"])
async def test_x36_server_replaced_the_peer(
    chain: str, peer: Any, kind: str, headers_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A peer that is a member of X-Forwarded-For: nothing is applied, and one warning says what to do."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    middleware = ForwardedHeadersMiddleware(app, f"{TRUSTED}, testclient, unix:", headers_type)
    headers = [("host", "a.b"), (FOR, chain), (HOST, WWW), ("forwarded", "host=www.ex.com")]
    scope = make_scope(headers=headers, client=peer, kind=kind)
    await call(middleware, scope)
    await call(middleware, scope)
    assert all(seen is scope for seen in scopes)
    assert scope["client"] == peer
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "uvicorn with --no-proxy-headers, gunicorn with --forwarded-allow-ips=" in warning.getMessage()


@pytest.mark.parametrize(("chain", "peer"), REPLACED)
async def test_replaced_peer_when_everyone_is_trusted(
    chain: str, peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """With `*` it does not matter who the peer is."""
    options = {"trusted_hosts": "*"}
    scope = await seen_scope([(FOR, chain), (HOST, WWW), (PROTO, "https")], options=options, client=peer)
    assert (scope["scheme"], scope["server"]) == ("https", (WWW, 443))
    assert not any("--no-proxy-headers" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("chain", "peer"),
    [
        pytest.param("1.2.3.4:9", ("10.0.0.2", 9), id="port of another address"),
        pytest.param("1.2.3.4, 10.0.0.2:8", ("10.0.0.2", 9), id="another port"),
        pytest.param("1.2.3.4", ("unix:", 0), id="unix socket"),
        pytest.param("1.2.3.4", None, id="no peer"),
    ],
)
async def test_peer_that_was_not_replaced(chain: str, peer: Any) -> None:
    options = {"trusted_hosts": f"{TRUSTED}, unix:"}
    scope = await seen_scope([(FOR, chain), (HOST, WWW)], options=options, client=peer)
    assert scope["server"] == (WWW, 80)


async def test_replaced_peer_and_forced_values() -> None:
    """What is forced comes from no header, so it holds whoever the peer is."""
    options = {"force_proto": "https"}
    scope = await seen_scope([(FOR, "10.0.0.9"), (HOST, WWW)], options=options, client=("10.0.0.9", 0))
    check(scope, Expected("https", client=("10.0.0.9", 0)))


async def test_untrusted_peer_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Who forgot to name the proxy finds it in the log, also when it is a unix socket."""
    for trusted, peer, name in ((TRUSTED, ("192.0.2.1", 9), "192.0.2.1"), (TRUSTED, None, "unix:")):
        caplog.clear()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            pass

        middleware = ForwardedHeadersMiddleware(app, trusted)
        await call(middleware, make_scope(headers=[("host", "a.b")], client=peer))
        assert not caplog.records
        for chain in ("1.2.3.4", "1.2.3.5"):
            await call(middleware, make_scope(headers=[("host", "a.b"), (FOR, chain)], client=peer))
        (warning,) = caplog.records
        assert f"from {name} are not read" in warning.getMessage()
        assert "C2C__PROXY_HEADERS__TRUSTED_HOSTS" in warning.getMessage()


async def test_port_0_without_chain() -> None:
    """Not every port of 0 comes from uvicorn."""
    scope = await seen_scope([(PROTO, "https")], client=("10.0.0.2", 0))
    assert scope["scheme"] == "https"


async def test_nested(caplog: pytest.LogCaptureFixture) -> None:
    """A second middleware inside takes the first one neither for uvicorn nor for a reason to warn."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    middleware = ForwardedHeadersMiddleware(ForwardedHeadersMiddleware(app, TRUSTED), TRUSTED)
    await call(middleware, make_scope(headers=[("host", "a.b"), (FOR, "10.0.0.9"), (HOST, WWW)], client=PEER))
    check(scopes[0], Expected("http", WWW, 80, ("10.0.0.9", 0)))
    assert not caplog.records


async def test_x38_websocket() -> None:
    scope = await seen_scope([(PROTO, "https"), (HOST, WWW)], kind="websocket")
    check(scope, Expected("wss", WWW, 443))


@pytest.mark.parametrize("kind", ["lifespan", "unknown"])
async def test_x39_other_scopes(kind: str) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    scope: Scope = {"type": kind}
    await call(ForwardedHeadersMiddleware(app, "*", force_proto="https"), scope)
    assert scopes[0] is scope
    assert scope == {"type": kind}


@pytest.mark.parametrize(
    ("headers_type", "headers"),
    [
        ("x-forwarded", [(HOST, "a b")]),
        ("x-forwarded", [(PROTO, "javascript")]),
        ("x-forwarded", [(PORT, "0")]),
        ("x-forwarded", [(FOR, "<script>")]),
        ("forwarded", [("forwarded", "host")]),
        ("forwarded", [("forwarded", 'host="a b"')]),
    ],
)
async def test_ignored_values_are_one_warning(
    headers_type: str, headers: HeaderList, caplog: pytest.LogCaptureFixture
) -> None:
    """The first request with a bad value leaves a warning, the others a line at debug."""
    caplog.set_level(logging.DEBUG, "c2casgiutils")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    middleware = ForwardedHeadersMiddleware(app, TRUSTED, headers_type)
    for _ in range(3):
        await call(middleware, make_scope(headers=headers, client=PEER))
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.DEBUG, logging.DEBUG]
    assert headers[0][0] in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    "headers",
    [
        *([(name, value)] for name in (FOR, PROTO, HOST, PORT) for value in ("", ",", " , ,")),
        [(FOR, "unknown")],
        [("forwarded", "for=unknown, ,;")],
    ],
    ids=str,
)
async def test_what_says_nothing_is_no_warning(headers: HeaderList, caplog: pytest.LogCaptureFixture) -> None:
    headers_type = "forwarded" if headers[0][0] == "forwarded" else "x-forwarded"
    caplog.set_level(logging.DEBUG, "c2casgiutils")
    check(await seen_scope(headers, options={"headers_type": headers_type}), KEPT)
    assert not caplog.records


async def test_log_lines_cannot_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "c2casgiutils")
    await seen_scope([(HOST, "a\r\nforged" + "x" * 5000)])
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 400


FORCED = [
    pytest.param({"force_proto": "https"}, Expected("https"), id="proto"),
    pytest.param({"force_host": "www.ex.com"}, HTTP_WWW, id="host"),
    pytest.param({"force_host": "www.ex.com:81"}, Expected("http", "www.ex.com:81", 81), id="host and port"),
    pytest.param({"force_host": "[2001:DB8::1]"}, Expected("http", "[2001:db8::1]", 80), id="IPv6 host"),
    pytest.param({"force_port": 8443}, Expected("http", "internal:8443", 8443), id="port"),
    pytest.param(
        {"force_proto": "https", "force_port": 443}, Expected("https", "internal", 443), id="proto and port"
    ),
    pytest.param({"force_client": "1.2.3.4"}, Expected(client=CLIENT), id="client"),
]


@pytest.mark.parametrize(("options", "expected"), FORCED)
@pytest.mark.parametrize("headers_type", ["none", "x-forwarded", "forwarded"])
async def test_forced(options: dict[str, Any], expected: Expected, headers_type: str) -> None:
    """Forced values hold for every peer."""
    options = {"trusted_hosts": "", "headers_type": headers_type, **options}
    check(await seen_scope([(HOST, "evil.ex"), (PROTO, "wss")], options=options), expected)


async def test_forced_wins_over_headers() -> None:
    headers = [(FOR, "9.9.9.9"), (PROTO, "http"), (HOST, "other.ex:81"), (PORT, "82")]
    options = {"force_proto": "https", "force_host": WWW, "force_port": 444, "force_client": "1.2.3.4"}
    check(await seen_scope(headers, options=options), Expected("https", "www.ex.com:444", 444, CLIENT))


async def test_forced_keeps_the_rest() -> None:
    """What is not forced still comes from the headers."""
    scope = await seen_scope([(FOR, "1.2.3.4"), (HOST, WWW)], options={"force_proto": "https"})
    check(scope, Expected("https", WWW, 443, CLIENT))


async def test_without_a_host_header() -> None:
    """HTTP/1.0 without Host: the scheme is applied, the server stays."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    scope = make_scope(headers=[(PROTO, "https")], client=PEER, server=("127.0.0.1", 8000))
    await call(ForwardedHeadersMiddleware(app, TRUSTED), scope)
    assert (scopes[0]["scheme"], scopes[0]["server"]) == ("https", ("127.0.0.1", 8000))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"headers_type": "x_forwarded"}, ValueError, "headers_type"),
        ({"headers_type": "forwarded", "apply_prefix": True}, ValueError, "apply_prefix"),
        ({"trusted_hosts": "10.0.0.0/33"}, ValueError, "10.0.0.0/33"),
        *(
            ({"trusted_hosts": f"127.0.0.1, {host}"}, ValueError, re.escape(host))
            for host in (
                *("10.0.0.1-10.0.0.9", "10.0.0.1-9", "10.0.0.*", "10.0.0", "10.0.0.256", "fe80::1-fe80::9"),
                *(
                    "10.0.0.1:8080",
                    "[::1]",
                    "10.0.0.1 10.0.0.2",
                    "10.0.0.1;10.0.0.2",
                    "a b",
                    "-",
                    "10.0.0.0/x",
                ),
            )
        ),
        ({"trusted_hosts": 3}, TypeError, "trusted_hosts"),
        ({"trusted_hosts": [3]}, TypeError, "trusted_hosts"),
        ({"trusted_hosts": b"10.0.0.1"}, TypeError, "trusted_hosts"),
        ({"force_proto": "ftp"}, ValueError, "force_proto"),
        ({"force_host": "a b"}, ValueError, "force_host"),
        ({"force_host": ""}, ValueError, "force_host"),
        ({"force_port": 0}, ValueError, "force_port"),
        ({"force_port": 65536}, ValueError, "force_port"),
        ({"force_client": "nobody"}, ValueError, "force_client"),
        ({"force_client": "unknown"}, ValueError, "force_client"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], error: type[Exception], text: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    with pytest.raises(error, match=text):
        ForwardedHeadersMiddleware(app, **options)


async def test_headers_as_lists() -> None:
    """Some servers give lists of two instead of tuples."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    scope = make_scope(client=PEER)
    scope["headers"] = [[b"host", b"internal:8080"], [HOST.encode(), WWW.encode()]]
    await call(ForwardedHeadersMiddleware(app, TRUSTED), scope)
    check(scopes[0], HTTP_WWW)


async def test_memory_is_bounded() -> None:
    """What is remembered of clients has a limit, and long values are not remembered."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    middleware = ForwardedHeadersMiddleware(app, TRUSTED)
    for number in range(3000):
        await call(
            middleware, make_scope(headers=[(FOR, f"192.0.{number % 256}.{number // 256}")], client=PEER)
        )
    assert len(middleware._changes) <= 1024
    middleware._changes.clear()
    await call(middleware, make_scope(headers=[(HOST, "a" * 5000)], client=PEER))
    assert not middleware._changes
