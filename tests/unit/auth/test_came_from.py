"""Where a browser may be sent after it signed in or out (security vectors C01 to C53)."""

import pytest

from c2casgiutils.auth._urls import BadCameFromError, safe_came_from

ORIGIN = "https://app.example.com"

ACCEPTED = {
    "C01": ("/", "/"),
    "C02": ("/c2c/?a=1&b=/x#y", "/c2c/?a=1&b=/x#y"),
    "C03": ("/a//b", "/a//b"),
    "C04a": ("/./a", "/a"),
    "C04b": ("/../../x", "/x"),
    "C04c": ("/a/b/..", "/a/"),
    "C08": ("https://app.example.com/x", "/x"),
    "C09": ("HTTPS://APP.EXAMPLE.COM/x", "/x"),
    "C10": ("https://app.example.com:443/x", "/x"),
    "C11": ("https://app.example.com", "/"),
    "C11-query": ("https://app.example.com?a=1", "/?a=1"),
    "C19a": ("/%5cevil.example", "/%5cevil.example"),
    "C19b": ("/%2fevil.example", "/%2fevil.example"),
    "C44-fits": ("/" + "a" * 2047, "/" + "a" * 2047),
    "C45a": ("/été", "/%C3%A9t%C3%A9"),
    "C45b": ("/%C3%A9", "/%C3%A9"),
    "C46a": ("/;@evil.example", "/;@evil.example"),
    "C46b": ("/@evil.example", "/@evil.example"),
    "C53": ("/app/x", "/app/x"),
    "markup": ("/<b>?\"'", "/%3Cb%3E?%22'"),
    "status": ("/c2c/auth/status", "/c2c/auth/status"),
}

REFUSED = {
    "C05": ["c2c/"],
    "C06": ["?x=1", "#frag"],
    "C12": ["http://app.example.com/x"],
    "C13": ["https://app.example.com:8443/"],
    "C14": ["https://app.example.com./"],
    "C15": ["//app.example.com/x"],
    "C16": ["//evil.example"],
    "C17": ["///evil.example", "////evil.example"],
    "C18": ["/\\evil.example", "\\\\evil.example", "\\/evil.example", "./\\evil"],
    "C20": ["/\t/evil", "\t//evil", "/\n/evil", "/\r/evil"],
    "C21": [first + "//evil" for first in (" ", "\u00a0", "\u2028", "\u3000", "\ufeff", "\u200b")],
    "C21-path": [first + "/x" for first in (" ", "\u00a0", "\u2028", "\u3000", "\ufeff", "\u200b")],
    "C22": ["/%09/evil", "/%00x", "/x?a=%0A"],
    "C23": ["https://evil.example"],
    "C24": ["https:evil.example", "https:/evil.example", "https:///evil.example"],
    "C25": ["hTTps://evil.example", "ht\ttps://evil"],
    "C26": ["https://app.example.com@evil.example/"],
    "C27": ["https://app.example.com%40evil.example/"],
    "C28": ["https://evil.example\\@app.example.com/"],
    "C29": ["https://user:pw@app.example.com/"],
    "C30": ["https://app.example.com:80@evil.example"],
    "C31": ["https://app.example.com.evil.example/"],
    "C32": [f"https://evil.example{sign}@app.example.com/" for sign in "#?;"],
    "C33": ["javascript:alert(1)", "jAvAsCrIpT:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)"],
    "C34": ["javascript://app.example.com/%0aalert(1)"],
    "C35": ["data:text/html,x", "vbscript:x", "blob:https://app.example.com/x", "mailto:a@b"],
    "C36": ["file:///etc/passwd", "ftp://app.example.com/x"],
    "C37": ["https://app.example.com:abc/", "https://app.example.com:99999"],
    "C38": ["https://[::1", "https://[evil]/"],
    "C39": ["https://app.example.com\u2100.evil/"],
    "C40": ["https://\uff45vil.example/", "https://app\u3002example.com/"],
    "C41": ["https://app.example.com\u2044.evil.example/"],
    "C42": ["/x\r\nSet-Cookie: pwn=1"],
    "C43": ["/x%0d%0aSet-Cookie:%20pwn=1"],
    "C44": ["/" + "a" * 2048],
    "C47": ["/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/%2e//evil.example"],
    "C48": [
        "/c2c/auth/logout",
        "/c2c/auth/login",
        "/c2c/auth/github/login?came_from=/",
        "/c2c/auth/github/callback?code=1",
        "/c2c/auth/github/logout",
        "/c2c/auth/logout/",
        "/c2c/auth%2flogout",
        "/c2c/x/../auth/logout",
        "https://app.example.com/c2c/auth/logout",
    ],
    "C50": ["/%ff", "/\ufffd", "/\ud800", "/?a=%ff"],
}


@pytest.mark.parametrize(("value", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(value: str, expected: str) -> None:
    assert safe_came_from(value, ORIGIN, "/c2c") == expected


@pytest.mark.parametrize(
    "value", [pytest.param(value, id=key) for key, values in REFUSED.items() for value in values]
)
def test_refused(value: str) -> None:
    with pytest.raises(BadCameFromError):
        safe_came_from(value, ORIGIN, "/c2c")


@pytest.mark.parametrize("value", ["/a%20b/auth/logout", "/a%20b/%61uth/github/login"])
def test_refused_below_a_mount_that_is_encoded(value: str) -> None:
    with pytest.raises(BadCameFromError):
        safe_came_from(value, ORIGIN, "/a%20b")


def test_error_does_not_quote_the_address() -> None:
    """What a hostile page sends is repeated nowhere."""
    with pytest.raises(BadCameFromError) as error:
        safe_came_from("https://evil.example/", ORIGIN, "/c2c")
    assert "evil" not in str(error.value)
