"""The name that somebody gives when signing in with the shared secret."""

import json
import logging

import httpx
import pytest

from tests.support.auth import KEY, SECRET, configure

HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def _secret_mode() -> None:
    configure(secret=SECRET, jwt={"secret": KEY})


async def sign_in(client: httpx.AsyncClient, name: str | list[str], **headers: str) -> httpx.Response:
    return await client.post("/c2c/auth/login", data={"secret": SECRET, "name": name}, headers=headers)


async def user(client: httpx.AsyncClient) -> dict[str, str]:
    found: dict[str, str] = (await client.get("/c2c/auth/status")).json()["user"]
    return found


async def audited(client: httpx.AsyncClient) -> list[str]:
    """Who did what was recorded, the newest first."""
    events = (await client.get("/c2c/audit", headers={"X-API-Key": SECRET})).json()["events"]
    return [event["who"] for event in events]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("alice", "alice (unverified)"),
        ("  Alice Müller ", "Alice Müller (unverified)"),
        ("a" * 80, "a" * 80 + " (unverified)"),
        ("octocat", "octocat (unverified)"),
        ("secret", "secret (unverified)"),
        ("", ""),
        ("  ", ""),
    ],
    ids=["plain", "blanks", "longest", "a login", "a method", "empty", "blank"],
)
async def test_name_is_marked_wherever_it_is_shown(client: httpx.AsyncClient, given: str, shown: str) -> None:
    """It is no login, stands in the record of the sign-in, and ends with the session."""
    assert (await sign_in(client, given)).status_code == 200
    assert await user(client) == {"login": "", "display_name": shown, "url": ""}
    assert await audited(client) == [shown or "secret"]
    await client.post("/c2c/auth/logout")
    assert (await user(client))["display_name"] == ""
    assert (await audited(client))[0] == (shown or "secret")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("a" * 81, "at most 80 printable characters"),
        ("a\nb", "printable"),
        ("a\x00", "printable"),
        ("\u202eadmin", "printable"),
        ("zero\u200bwidth", "printable"),
        (["alice", "bob"], "once"),
        (f"it is {SECRET}", "must not contain the secret"),
    ],
    ids=["long", "lines", "zero", "right to left", "invisible", "twice", "the secret"],
)
async def test_name_that_is_refused(client: httpx.AsyncClient, given: str | list[str], problem: str) -> None:
    """Nobody is signed in; scripts are told why, browsers are led back to the form."""
    answer = await sign_in(client, given)
    assert answer.status_code == 400
    assert problem in answer.json()["detail"]
    assert SECRET not in answer.text
    page = await sign_in(client, given, **HTML)
    assert (page.status_code, page.headers["location"].partition("?")[2]) == (303, "sign_in=name")
    assert not client.cookies


async def test_name_cannot_forge_a_line(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    name = 'bob, target "everything"'
    with caplog.at_level(logging.INFO, "c2casgiutils.audit"):
        await sign_in(client, name)
    (line,) = (record.getMessage() for record in caplog.records if record.name == "c2casgiutils.audit")
    assert line.startswith(f"auth.sign_in (ok) by {json.dumps(f'{name} (unverified)')}, from ")


async def test_changed_key_keeps_the_name(client: httpx.AsyncClient) -> None:
    """A session that is written anew with another key has the same name."""
    await sign_in(client, "alice")
    configure(secret=SECRET, jwt={"secret": "another key " * 4, "previous_secrets": [KEY]})
    before = dict(client.cookies)
    assert (await user(client))["display_name"] == "alice (unverified)"
    assert dict(client.cookies) != before
    assert (await user(client))["display_name"] == "alice (unverified)"
