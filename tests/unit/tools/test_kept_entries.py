"""What was typed into a form by somebody who may not send it, or not now."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from c2casgiutils import config, db, instances
from tests.support import forms

TYPED = "typed-by-hand"
LOGGER = "c2casgiutils.tools"
OUTAGE = "c2casgiutils.auth.github._client._REST_SECONDS"


@pytest.fixture(autouse=True)
async def _database(tmp_path: Path) -> AsyncIterator[None]:
    database = db.Database(f"sqlite:///{tmp_path}/service.db")
    yield
    await database.aclose()


async def buttons_of(admin: httpx.AsyncClient) -> list[forms.Button]:
    """Find the buttons of all views of somebody who sees them all; the dump has no entry."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    await admin.put(f"/logging/loggers/{LOGGER}", json={"level": "DEBUG", "ttl": "1h"})
    starts = ("", f"levels?logger={LOGGER}", "diagnostics?what=profile")
    found = forms.buttons_of(await forms.crawl(lambda path: admin.get(f"/{path}"), *starts))
    return [button for button in found if not button.action.startswith("debug/")]


async def press(client: httpx.AsyncClient, button: forms.Button, text: str = TYPED) -> httpx.Response:
    typed = {name: text for name in button.texts if name in ("reason", "logger")}
    return await client.post(f"/{button.action.partition('#')[0]}", data={**button.fields, **typed})


def entry_of(page: str) -> str:
    (href,) = re.findall('Your entry is kept: <a href="([^"]+)">', page)
    return html.unescape(href)


async def test_right_that_was_lost(callers: dict[str, httpx.AsyncClient]) -> None:
    """Each form leads to a link that fills it again, for when the right is back."""
    buttons = await buttons_of(callers["admin"])
    assert len({button.action.partition("?")[0].partition("#")[0] for button in buttons}) >= 6
    wrong = {}
    for button in buttons:
        refused = await press(callers["pull"], button)
        assert refused.status_code == 403, button.what
        page = await callers["admin"].get(f"/{entry_of(refused.text)}")
        typed = [name for name in button.texts if name in ("reason", "logger")]
        chosen = [value for name, value in button.fields.items() if name in ("ttl", "seconds") and value]
        if page.text.count(f'value="{TYPED}"') < len(typed):
            wrong[button.what] = "a text is lost"
        elif not all(f'<option value="{value}" selected>' in page.text for value in chosen):
            wrong[button.what] = f"{chosen} is lost"
        elif "Not done yet." not in page.text:
            wrong[button.what] = "it seems to be done"
    assert wrong == {}


async def test_writers_lack_the_right_of_administrators(callers: dict[str, httpx.AsyncClient]) -> None:
    """They keep their entry for these forms only, and are not told so where they may send it."""
    for button in await buttons_of(callers["admin"]):
        answer = await press(callers["push"], button)
        assert ("Your entry is kept" in answer.text) == (button.action.partition("#")[0] != "levels")


@pytest.mark.parametrize("why", ["the right is lost", "GitHub is unavailable"])
async def test_entry_that_is_too_long(
    callers: dict[str, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """Each form says that it is not kept, and how to save it."""
    buttons = await buttons_of(callers["admin"])
    caller = callers["pull"]
    if why == "GitHub is unavailable":
        caller = callers["push"]  # nothing is known of this one yet
        monkeypatch.setattr(OUTAGE, 0)
        config.settings.auth.github.repo_url = "http://127.0.0.1:1"
    for button in buttons:
        button.fields["typed"] = "é" * 2000
        refused = await press(caller, button)
        assert refused.status_code in (403, 503)
        assert "Your entry is not kept.</strong> It is too long" in refused.text, button.what
        assert "Your entry is kept" not in refused.text
    assert instances.own().state != "draining"
