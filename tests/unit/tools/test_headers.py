import httpx
import pytest

from c2casgiutils._secrets import MASK, is_secret_name, scrub

MASKED = [
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "X-API-Key",
    "Apikey",
    "Ocp-Apim-Subscription-Key",
    "X-Auth-Token",
    "Private-Token",
    "X-Amz-Security-Token",
    "X-Vault-Token",
    "X-CSRF-Token",
    "X-Hub-Signature-256",
    "X-Client-Secret",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Amzn-Oidc-Data",
    "X-Amzn-Oidc-Identity",
    "X-Goog-IAP-JWT-Assertion",
    "X-Goog-Authenticated-User-Email",
    "X-MS-CLIENT-PRINCIPAL",
    "X-MS-TOKEN-AAD-ID-TOKEN",
    "Cf-Access-Jwt-Assertion",
    "X_API_KEY",
    "X-Session-Id",
    "X-Password",
    "X-Passphrase",
    "X-Pass",
    "X-Pwd",
    "X-PIN",
    "DPoP",
    "X-SSL-Cert",
    "X-Client-Cert",
]
SHOWN = [
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Forwarded",
    "Keep-Alive",
    "Referer",
    "Sec-Fetch-Site",
    "Traceparent",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-ID",
    "X-Compass",
    "X-Mapping",
    ":authority",
]


@pytest.mark.parametrize("name", MASKED)
def test_masked(name: str) -> None:
    assert is_secret_name(name, sent=True)


@pytest.mark.parametrize("name", SHOWN)
def test_shown(name: str) -> None:
    assert not is_secret_name(name, sent=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host/c2c/?secret=abc&a=1", f"http://host/c2c/?secret={MASK}&a=1"),
        ("http://host/?code=abc&state=def", f"http://host/?code={MASK}&state={MASK}"),
        ("http://user:word@host:81/p", f"http://{MASK}@host:81/p"),
        ("http://host/?a=%0D%0A&b=", "http://host/?a=%0D%0A&b="),
        ("http://[::1]:80/p?x", "http://[::1]:80/p?x"),
        ("http://host/?%73ecret=abc&x%5Ftoken=1", f"http://host/?%73ecret={MASK}&x%5Ftoken={MASK}"),
        ("http://host/?a=b@c", "http://host/?a=b@c"),
        ("?secret=", "?secret="),
        ("?next=%2Fp%3Fa%3D1%26secret%3Dabc%26b%3D2", f"?next=%2Fp%3Fa%3D1%26secret%3D{MASK}%26b%3D2"),
        ("?next=%252Fp%253Fsecret%253Dabc", f"?next=%252Fp%253Fsecret%253D{MASK}"),
    ],
)
def test_scrub(url: str, expected: str) -> None:
    assert scrub(url) == expected


async def test_shows_the_request(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "headers/?a=1&secret=s3cret-of-the-test", headers={"X-Test": "seen", "Cookie": "a=b"}
    )
    body = answer.json()
    assert body["headers"]["x-test"] == "seen"
    assert body["headers"]["x-api-key"] == body["headers"]["cookie"] == MASK
    info = body["client_info"]
    assert info["url_str"] == f"http://testserver/c2c/headers/?a=1&secret={MASK}"
    assert info["base_url_str"] == "http://testserver/"
    assert (info["url"]["scheme"], info["url"]["path"]) == ("http", "/c2c/headers/")
    assert info["query_params"] == {"a": "1", "secret": MASK}
    assert info["path_params"] == {}
    assert body["scope"]["method"] == "GET"
    assert "s3cret-of-the-test" not in answer.text


@pytest.mark.parametrize(
    ("path", "params"),
    [("headers/one", {"path": "one"}), ("headers/one/two", {"path_1": "one", "path_2": "two"})],
)
async def test_path_parameters(client: httpx.AsyncClient, path: str, params: dict[str, str]) -> None:
    assert (await client.get(path)).json()["client_info"]["path_params"] == params


async def test_needs_the_read_only_level(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("headers/")).status_code == 403


async def test_a_secret_in_the_referer(client: httpx.AsyncClient) -> None:
    """A page that was opened with the secret in its query names it in `Referer`."""
    headers = {"Referer": "https://user:word@host/c2c/?a=1&secret=s3cret-of-the-test#x"}
    answer = await client.get("headers/", headers=headers)
    assert answer.json()["headers"]["referer"] == f"https://{MASK}@host/c2c/?a=1&secret={MASK}#x"


@pytest.mark.parametrize("host", ["[", "[::1", "a:b", "a:99999", "a b", "é", "", "a/b?c#d"])
@pytest.mark.parametrize("path", ["headers/", ""])
async def test_hostile_hosts(client: httpx.AsyncClient, host: str, path: str) -> None:
    answer = await client.get(path, headers=[(b"Host", host.encode())])
    assert answer.status_code == 200
