"""The unverified name of a user of the shared secret, on the page and beside what they change."""

import httpx
import pytest

from c2casgiutils import config
from tests.unit.tools.conftest import SECRET

_OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def browser(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client without the secret that keeps cookies over plain HTTP."""
    config.settings.http = True
    del client.headers["X-API-Key"]
    return client


async def sign_in(browser: httpx.AsyncClient, name: str) -> None:
    answer = await browser.post("auth/login", data={"secret": SECRET, "name": name}, headers=_OURS)
    assert answer.status_code == 200


async def test_form(browser: httpx.AsyncClient) -> None:
    """The form asks for the name, and says what is wrong with it."""
    assert '<label for="your-name">Your name</label>' in (await browser.get("")).text
    assert "This name cannot be used." in (await browser.get("?sign_in=name")).text


async def test_name_is_escaped(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "<b>x</b>")
    for path in ("", "activity"):
        page = (await browser.get(path)).text
        assert "&lt;b&gt;x&lt;/b&gt; (unverified)" in page
        assert "<b>x</b>" not in page


async def test_name_beside_a_change(browser: httpx.AsyncClient) -> None:
    """Levels, the maintenance and the time line say who it was."""
    await sign_in(browser, "alice")
    by = "alice (unverified)"
    await browser.put("logging/loggers/c2c.of.the.test", json={"level": "INFO"}, headers=_OURS)
    (level,) = (await browser.get("logging/loggers?q=c2c.of.the.test")).json()["loggers"]
    assert level["override"]["by"] == by
    answer = await browser.put("db/maintenance", json={"readonly": True}, headers=_OURS)
    assert answer.status_code == 200, answer.text
    assert (await browser.get("db/maintenance")).json()["by"] == by
    await browser.delete("db/maintenance", headers=_OURS)
    events = (await browser.get("events?kind=audit")).json()["events"]
    assert {event["who"] for event in events} == {by}
    assert len(events) == 4
    assert "by alice (unverified)" in (await browser.get("")).text
