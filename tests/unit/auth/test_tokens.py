"""The session cookie under attack (security vectors J01 to J28)."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from jwt.api_jws import PyJWS

from c2casgiutils.auth import _tokens
from c2casgiutils.auth._tokens import Kind
from tests.support.auth import COOKIE, KEY, SECRET, configure

DAY = 86400


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a valid session of the shared secret; none removes one."""
    now = int(time.time())
    valid = {
        "iss": "c2casgiutils",
        "aud": "session",
        "sub": "secret",
        "iat": now,
        "exp": now + DAY,
        "jti": _tokens.new_id(),
        "v": 1,
        "data": {"method": "secret", "secret": _tokens.keyed_hash(SECRET, "shared-secret")},
    }
    return {name: value for name, value in (valid | changes).items() if value is not None}


def sealed(**changes: Any) -> str:
    return _tokens.seal(Kind.SESSION, claims(**changes))


def _header(token: str, **changes: Any) -> str:
    """The token with another header, its signature made anew with the right key."""
    _, payload, _ = token.split(".")
    header = {"alg": "HS256", "typ": "JWT", "kid": _tokens._keys(KEY, Kind.SESSION).id} | changes
    head = _encode(json.dumps({name: value for name, value in header.items() if value is not None}).encode())
    signature = jwt.get_algorithm_by_name("HS256").sign(
        f"{head}.{payload}".encode(), _tokens._keys(KEY, Kind.SESSION).signature
    )
    return f"{head}.{payload}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _flip(token: str, part: int) -> str:
    parts = token.split(".")
    data = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
    data[len(data) // 2] ^= 1
    parts[part] = _encode(bytes(data))
    return ".".join(parts)


def _other_key() -> str:
    configure(secret=SECRET, jwt={"secret": "another key of the deployment, long"})
    token = sealed()
    configure(secret=SECRET, jwt={"secret": KEY})
    return token


def _signed_by_application(**changes: Any) -> str:
    return jwt.encode(claims(**changes), KEY, "HS256")


def _raw(payload: bytes) -> str:
    keys = _tokens._keys(KEY, Kind.SESSION)
    return PyJWS().encode(payload, keys.signature, "HS256", headers={"kid": keys.id})


def _sealed_text(text: str) -> str:
    """Any text in place of the claims."""
    return _tokens.seal(Kind.SESSION, json.loads(text))


GITHUB = {"login": "octocat", "display_name": "", "url": "", "access_token": "gho_x"}

ANONYMOUS: dict[str, Callable[[], str]] = {
    "J02-none": lambda: _header(sealed(), alg="none").rsplit(".", 1)[0] + ".",
    "J02-nOnE": lambda: _header(sealed(), alg="nOnE"),
    "J02-empty-signature": lambda: sealed().rsplit(".", 1)[0] + ".",
    "J03-HS512": lambda: _header(sealed(), alg="HS512"),
    "J03-RS256": lambda: _header(sealed(), alg="RS256"),
    "J04-no-alg": lambda: _header(sealed(), alg=None),
    "J04-no-json": lambda: "bm90IGpzb24." + sealed().split(".", 1)[1],
    "J04-crit": lambda: _header(sealed(), crit=["exp"]),
    "J04-b64": lambda: _header(sealed(), b64=False, crit=["b64"]),
    "J04-jku": lambda: _header(sealed(), jku="http://127.0.0.1:1/keys"),
    "J04-jwk": lambda: _header(sealed(), jwk={"kty": "oct", "k": "AA"}),
    "J04-kid": lambda: _header(sealed(), kid="../../dev/null"),
    "J04-kid-type": lambda: _header(sealed(), kid=["x"]),
    "J05-second": lambda: sealed(iat=int(time.time()) - 60, exp=int(time.time()) - 1),
    "J05-day": lambda: sealed(iat=int(time.time()) - 2 * DAY, exp=int(time.time()) - DAY),
    "J07-exp": lambda: sealed(exp=None),
    "J07-iat": lambda: sealed(iat=None),
    "J07-aud": lambda: sealed(aud=None),
    "J07-sub": lambda: sealed(sub=None),
    "J07-jti": lambda: sealed(jti=None),
    "J08-hour": lambda: sealed(iat=int(time.time()) + 3600, exp=int(time.time()) + 7200),
    "J09-far": lambda: sealed(exp=253402214400),
    "J09-float": lambda: sealed(exp=1e308),
    "J09-nan": lambda: sealed(exp=float("nan")),
    "J09-text": lambda: sealed(exp="tomorrow"),
    "J09-number-text": lambda: sealed(exp=str(int(time.time()) + 60)),
    "J09-negative": lambda: sealed(exp=-1),
    "J09-list": lambda: sealed(exp=[1]),
    "J10-payload": lambda: _flip(sealed(), 1),
    "J10-signature": lambda: _flip(sealed(), 2),
    "J10-header": lambda: _flip(sealed(), 0),
    "J10-truncated": lambda: sealed()[:-5],
    "J10-dot": lambda: sealed() + ".",
    "J11": _other_key,
    "J12-aud": lambda: sealed(aud="other"),
    "J12-iss": lambda: sealed(iss="other"),
    "J13": lambda: _tokens.make(Kind.GITHUB_STATE, "x", {}, expires_at=int(time.time()) + 60),
    "J15": lambda: _signed_by_application(aud=None),
    "J15-all-claims": _signed_by_application,
    "J16": lambda: _tokens.seal(Kind.SESSION, {"exp": int(time.time()) + 60, "iat": int(time.time())}),
    "J17-list": lambda: _sealed_text("[]"),
    "J17-null": lambda: _sealed_text("null"),
    "J17-number": lambda: _sealed_text("1"),
    "J17-huge": lambda: sealed(data={"x": "x" * 2_000_000}),
    "J17-not-encrypted": lambda: _raw(json.dumps(claims()).encode()),
    "J17-nothing": lambda: _raw(b""),
    "J18-version": lambda: sealed(v=2),
    "J18-method": lambda: sealed(data={"method": "test"}),
    "J18-github": lambda: sealed(data={"method": "github_oauth", "github": GITHUB}),
    "J22-8KiB": lambda: "x" * 8192,
    "J22-quotes": lambda: '"a"b"',
    "J27": lambda: sealed(data={"method": "secret", "secret": "0" * 32}),
    "J27-none": lambda: sealed(data={"method": "secret"}),
}


@pytest.fixture(autouse=True)
def _secret_mode() -> None:
    configure(secret=SECRET, jwt={"secret": KEY})


async def ask(client: httpx.AsyncClient, cookie: str, path: str = "/c2c/read") -> httpx.Response:
    return await client.get(path, headers={"Cookie": cookie})


@pytest.mark.parametrize("make", ANONYMOUS.values(), ids=ANONYMOUS)
async def test_bad_cookie(client: httpx.AsyncClient, make: Callable[[], str]) -> None:
    """P05: a bad cookie is nobody's, and is cleared on that same answer."""
    response = await ask(client, f"{COOKIE}={make()}")
    assert response.status_code == 403
    assert response.headers.get_list("set-cookie") == [
        f"{COOKIE}=; HttpOnly; Max-Age=0; Path=/c2c; SameSite=lax; Secure"
    ]


VALID: dict[str, Callable[[], str]] = {
    "J01": sealed,
    "J08-two-seconds": lambda: sealed(iat=int(time.time()) + 2),
    "J18-unknown": lambda: sealed(unknown=1),
    "quoted": lambda: f'"{sealed()}"',
}


@pytest.mark.parametrize("make", VALID.values(), ids=VALID)
async def test_valid_cookie(client: httpx.AsyncClient, make: Callable[[], str]) -> None:
    response = await ask(client, f"{COOKIE}={make()}")
    assert response.status_code == 200
    assert "set-cookie" not in response.headers


def cleared(*paths: str) -> list[str]:
    return [f"{COOKIE}=; HttpOnly; Max-Age=0; Path={path}; SameSite=lax; Secure" for path in paths]


@pytest.mark.parametrize("bad", [1, 4, 49])
async def test_two_cookies_of_one_name(client: httpx.AsyncClient, bad: int) -> None:
    """J21: a browser sends the cookie of each path; bad ones do not hide the good one, which stays."""
    response = await ask(client, f"{COOKIE}=bad; " * bad + f"{COOKIE}={sealed()}")
    assert response.status_code == 200
    assert response.headers.get_list("set-cookie") == cleared("/c2c/", "/c2c/read")


async def test_bad_cookies_of_one_name(client: httpx.AsyncClient) -> None:
    """J21: all are cleared that may be ours; that of `/` may belong to another application."""
    response = await ask(client, f"{COOKIE}=bad; {COOKIE}=bad", "/c2c/auth/status")
    paths = ("/c2c", "/c2c/", "/c2c/auth", "/c2c/auth/", "/c2c/auth/status")
    assert response.headers.get_list("set-cookie") == cleared(*paths)


async def test_bad_cookies_of_one_name_for_all_paths(client: httpx.AsyncClient) -> None:
    """A cookie whose path is configured is cleared there; below it only what this application serves."""
    configure(secret=SECRET, jwt={"secret": KEY, "cookie": {"path": "/"}})
    response = await ask(client, f"{COOKIE}=bad; {COOKIE}=bad")
    assert response.headers.get_list("set-cookie") == cleared("/", "/c2c/", "/c2c/read")


async def test_cookies_of_the_host(client: httpx.AsyncClient) -> None:
    """With `__Host-` there is one path, whose good cookie is not cleared because of bad ones."""
    configure(secret=SECRET, jwt={"secret": KEY, "cookie": {"name": f"__Host-{COOKIE}"}})
    response = await ask(client, f"__Host-{COOKIE}=bad; __Host-{COOKIE}={sealed()}")
    assert response.status_code == 200
    assert "set-cookie" not in response.headers


async def test_long_path_clears_few_cookies(client: httpx.AsyncClient) -> None:
    """An answer has at most ten more cookies."""
    response = await ask(client, f"{COOKIE}=bad; {COOKIE}=bad", f"/c2c/read/{'x/' * 100}")
    assert len(response.headers.get_list("set-cookie")) <= 11


async def test_more_cookies_than_are_tried(client: httpx.AsyncClient) -> None:
    """Of very many only the first ones are looked at."""
    response = await ask(client, f"{COOKIE}=bad; " * 50 + f"{COOKIE}={sealed()}")
    assert response.status_code == 403


async def test_hundred_cookies(client: httpx.AsyncClient) -> None:
    """J22: many cookies and bytes that are no text are no error."""
    header = "; ".join(f"{COOKIE}=x{number}" for number in range(100)) + "; x=\xe9"
    response = await client.get("/c2c/read", headers={b"Cookie": header.encode("latin-1")})
    assert response.status_code == 403


async def test_rotated_key(client: httpx.AsyncClient) -> None:
    """J23: a session of the previous key counts, and is written anew as the same one with the current key."""
    token = sealed()
    configure(secret=SECRET, jwt={"secret": "the next key, which is long enough", "previous_secrets": KEY})
    response = await ask(client, f"{COOKIE}={token}")
    assert response.status_code == 200
    renewed = response.cookies[COOKIE]
    before, after = (_tokens.unseal(Kind.SESSION, each, longest_seconds=7 * DAY) for each in (token, renewed))
    assert (before.jti, before.exp) == (after.jti, after.exp)
    assert _tokens.is_current(Kind.SESSION, renewed)
    assert not _tokens.is_current(Kind.SESSION, token)


async def test_removed_key(client: httpx.AsyncClient) -> None:
    """J24: a session of a key that is no longer accepted is cleared."""
    token = sealed()
    configure(secret=SECRET, jwt={"secret": "the next key, which is long enough"})
    response = await ask(client, f"{COOKIE}={token}")
    assert response.status_code == 403
    assert f"{COOKIE}=;" in response.headers["set-cookie"]


async def test_changed_secret(client: httpx.AsyncClient) -> None:
    """J27, P04: the sessions of a shared secret end when it changes."""
    token = sealed()
    configure(secret="another secret", jwt={"secret": KEY})
    assert (await ask(client, f"{COOKIE}={token}")).status_code == 403


def test_nothing_to_read() -> None:
    """J28: who has the cookie but not the key reads nothing in it."""
    token = sealed(sub="octocat", data={"method": "github_oauth", "github": GITHUB})
    decoded = b" ".join(base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    for text in (b"octocat", b"gho_", b"github", SECRET.encode(), b"session"):
        assert text not in decoded


def test_each_kind_has_its_keys() -> None:
    """P02: no token is valid as one of another kind."""
    for made in Kind:
        token = _tokens.make(made, "x", {}, expires_at=int(time.time()) + 60)
        for kind in Kind:
            if kind is made:
                assert _tokens.unseal(kind, token, longest_seconds=60).sub == "x"
            else:
                with pytest.raises(_tokens.BadTokenError):
                    _tokens.unseal(kind, token, longest_seconds=60)


def test_no_key() -> None:
    configure()
    with pytest.raises(_tokens.BadTokenError):
        _tokens.unseal(Kind.SESSION, "a.b.c", longest_seconds=60)
