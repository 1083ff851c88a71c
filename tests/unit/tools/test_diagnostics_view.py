"""The view of the diagnostics."""

import httpx
import pytest

from c2casgiutils import config, instances
from tests.unit.tools.test_requests_view import text_of


@pytest.mark.parametrize("what", ["loop", "stacks"])
async def test_light_diagnostics(client: httpx.AsyncClient, what: str) -> None:
    """They are asked for at once, from all processes or from one."""
    for query in ("", "&id=all", f"&id={instances.own_id()}"):
        page = await client.get(f"diagnostics?what={what}{query}")
        assert page.status_code == 200
        assert "1 of 1 process answered." in text_of(page)
    assert instances.own_id() in page.text


@pytest.mark.parametrize("what", ["loop", "stacks", "memory", "profile"])
async def test_unknown_process(client: httpx.AsyncClient, what: str) -> None:
    """The view says that it is unknown, and chooses no other one instead."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    page = await client.get(f"diagnostics?what={what}&id=left:1:abcdef")
    assert page.status_code == 404
    assert "No process has the id “left:1:abcdef”: it left, or the id is wrong." in page.text
    assert "<option selected>left:1:abcdef</option>" in page.text
    assert 'aria-label="Views"' in page.text


async def test_unseen_process(client: httpx.AsyncClient) -> None:
    """Without Redis it is not known whether the process left."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    page = await client.get("diagnostics?what=stacks&id=left:1:abcdef")
    assert page.status_code == 503
    assert "Process “left:1:abcdef” cannot be seen: Redis is unreachable." in page.text


async def test_unknown_kind(client: httpx.AsyncClient) -> None:
    """An unknown kind is the first one, and the view says so."""
    page = await client.get("diagnostics?what=entrails")
    assert page.status_code == 200
    assert "what is loop: “entrails” is not one of loop, stacks, memory, profile." in text_of(page)


@pytest.mark.parametrize("what", ["memory", "profile"])
async def test_costly_diagnostics_that_are_off(client: httpx.AsyncClient, what: str) -> None:
    """The view says which setting switches them on."""
    page = await client.get(f"diagnostics?what={what}&ask=1")
    assert page.status_code == 200
    assert "are off. Set C2C__DEBUG__ENABLED=true and start again." in page.text
    page = await client.post("diagnostics", data={"id": "self"})
    assert page.status_code == 404
    assert "Profiles are off." in page.text


async def test_profile(client: httpx.AsyncClient) -> None:
    """The form leads to the result; a wrong duration says what is accepted."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    assert "What is missing" not in (await client.get("diagnostics?what=memory")).text
    page = await client.post("diagnostics", data={"id": "self", "seconds": "0.05"})
    assert page.status_code == 303
    assert page.headers["Location"].startswith("diagnostics?what=profile&id=self&profile=")
    page = await client.get(page.headers["Location"])
    assert "The profile is there in" in page.text or "The profile is there:" in page.text
    page = await client.get("diagnostics?what=profile&profile=0123456789abcdef.self")
    assert page.status_code == 404
    assert "No such profile" in page.text
    assert '<button class="primary">Profile</button>' in page.text
    page = await client.post("diagnostics", data={"id": "self", "seconds": "600"})
    assert page.status_code == 422
    assert "seconds: Input should be less than or equal to 60" in text_of(page)


async def test_links_of_other_sites(client: httpx.AsyncClient) -> None:
    """They show the form, and ask no process."""
    page = await client.get("diagnostics?what=stacks", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert "nothing was asked yet" in page.text
    assert "process answered" not in page.text


async def test_who_is_no_admin(callers: dict[str, httpx.AsyncClient]) -> None:
    """Readers see the event loops; the rest is for administrators."""
    reader = callers["push"]
    assert "process answered" in (await reader.get("/diagnostics")).text
    for what in ("stacks", "memory", "profile"):
        page = await reader.get(f"/diagnostics?what={what}&ask=1")
        assert "are for administrators." in page.text
        assert "process answered" not in page.text
    assert (await reader.post("/diagnostics", data={"id": "self"})).status_code == 403
