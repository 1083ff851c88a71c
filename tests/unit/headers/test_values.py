"""How header values of a configuration become bytes."""

import pytest

from c2casgiutils.headers._values import Header, encode_name, encode_value


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("X-A", "text", b"text", id="string"),
        pytest.param("X-A", "  text\t ", b"text", id="blanks around"),
        pytest.param("X-A", "é", b"\xe9", id="latin-1"),
        pytest.param("X-A", ["a", "b"], b"a; b", id="list"),
        pytest.param("X-A", [], b"", id="empty list"),
        pytest.param("X-A", {"a": "1", "b": "2"}, b"a=1; b=2", id="dict"),
        pytest.param("X-A", {"a": ["1", "2"]}, b"a=1 2", id="dict of lists"),
        pytest.param("X-A", {"a": "", "b": "2"}, b"a; b=2", id="dict with a bare key"),
        pytest.param("Cache-Control", ["no-cache", "no-store"], b"no-cache, no-store", id="Cache-Control"),
        pytest.param(
            "cache-control", {"max-age": "3", "public": ""}, b"max-age=3, public", id="dict, commas"
        ),
        pytest.param("Vary", ["Origin", "Accept"], b"Origin, Accept", id="Vary"),
        pytest.param("Allow", ["GET", "POST"], b"GET, POST", id="Allow"),
        pytest.param("Permissions-Policy", ["a=()", "b=()"], b"a=(), b=()", id="Permissions-Policy"),
        pytest.param("Permissions-Policy", {"a": "()", "b": "*"}, b"a=(), b=*", id="Permissions-Policy dict"),
        pytest.param(
            "Permissions-Policy",
            {"a": [], "b": ["self", '"https://x.ch"']},
            b'a=(), b=(self "https://x.ch")',
            id="Permissions-Policy, dict of lists",
        ),
        pytest.param("Permissions-Policy", {"a": ["()"]}, b"a=()", id="Permissions-Policy with parentheses"),
        pytest.param(
            "Clear-Site-Data", ['"cache"', '"cookies"'], b'"cache", "cookies"', id="Clear-Site-Data"
        ),
        pytest.param("Access-Control-Allow-Methods", ["GET", "PUT"], b"GET, PUT", id="Access-Control-*"),
        pytest.param("Accept-CH", ["DPR", "Width"], b"DPR, Width", id="Accept-*"),
        pytest.param("Strict-Transport-Security", ["max-age=1", "preload"], b"max-age=1; preload", id="HSTS"),
        pytest.param(
            "Strict-Transport-Security",
            {"max-age": "1", "preload": ""},
            b"max-age=1; preload",
            id="HSTS dict",
        ),
        pytest.param(
            "Content-Security-Policy",
            {"default-src": ["'self'", "data:"], "img-src": "*", "upgrade-insecure-requests": ""},
            b"default-src 'self' data:; img-src *; upgrade-insecure-requests",
            id="CSP",
        ),
        pytest.param(
            "content-security-policy-report-only",
            {"default-src": ["'self'"], "sandbox": []},
            b"default-src 'self'; sandbox",
            id="CSP report only",
        ),
        pytest.param(
            "Content-Security-Policy",
            ["default-src *", "img-src *"],
            b"default-src *; img-src *",
            id="CSP list",
        ),
    ],
)
def test_render(name: str, value: Header, expected: bytes) -> None:
    assert encode_value(name, value) == expected


@pytest.mark.parametrize(
    "value",
    [
        3,
        True,
        1.5,
        b"x",
        ("a",),
        b"a",
        ["a", 1],
        ["a", None],
        {"a": 1},
        {"a": None},
        {"a": [1]},
        {1: "a"},
        {"a": {"b": "c"}},
    ],
    ids=repr,
)
def test_unsupported_type(value: Header) -> None:
    """The error names the header."""
    with pytest.raises(TypeError, match="X-Odd"):
        encode_value("X-Odd", value)


@pytest.mark.parametrize(
    "text", ["a\rb", "a\nb", "a\r\nSet-Cookie: x", "a\0", "\x01", "a\x7f", "\n", "€"], ids=repr
)
@pytest.mark.parametrize("make", [lambda t: t, lambda t: ["x", t], lambda t: {"k": t}, lambda t: {"k": [t]}])
def test_illegal_value(text: str, make: object) -> None:
    """Control characters and what is outside latin-1 are refused, wherever they stand."""
    with pytest.raises(ValueError, match="X-Odd"):
        encode_value("X-Odd", make(text))  # type: ignore[operator]  # parametrized


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é", "a\0", " a", "a "], ids=repr)
def test_illegal_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        encode_name(name)


def test_name_of_a_wrong_type() -> None:
    with pytest.raises(TypeError, match="name"):
        encode_name(b"x-a")
