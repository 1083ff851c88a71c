"""Every form of the page while Redis is unreachable: it says so, and keeps what was typed."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils import config, db, instances
from tests.support import forms
from tests.support.clients import signed_in
from tests.support.net import eventually
from tests.support.processes import RedisServer

TYPED = "typed-by-hand"
LOGGER = "c2casgiutils.tools"


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A redis-server that the test stops."""
    with RedisServer() as server:
        yield server


@pytest.fixture
async def client(
    own_redis: RedisServer, operations: FastAPI, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator of a process with a database, Redis, and something of each kind to end."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    database = db.Database(f"sqlite:///{tmp_path}/service.db")
    async with signed_in(operations, own_redis.url, raise_app_exceptions=False) as http:
        yield http
    await database.aclose()


async def begin(client: httpx.AsyncClient) -> str:
    """Begin what can be ended, and return the id of what is followed."""
    await client.put(f"logging/loggers/{LOGGER}", json={"level": "DEBUG", "ttl": "1h"})
    await client.put("db/maintenance", json={"readonly": True})
    await client.put("sql_profiler", json={"ttl": "1h"})
    return str((await client.post("logging/follow", json={"ttl": "10m"})).json()["id"])


UNDRAIN = "process process Undrain"


def said(page: str) -> list[str]:
    """The notices of a page, and the result in the row of a logger."""
    found = re.findall(
        r'<p class="notice[^>]*>(.*?)</p>|id="result" role="status">(.*?)</p>', page, re.DOTALL
    )
    return [" ".join(re.sub("<[^>]*>", " ", "".join(each)).split()) for each in found]


async def test_every_form(client: httpx.AsyncClient, own_redis: RedisServer) -> None:
    """No button answers with 500; each does it or says why not, and forgets nothing that was typed."""
    starts = ["", f"levels?logger={LOGGER}", "diagnostics?what=profile"]
    before = list(forms.buttons_of(await forms.crawl(client.get, *starts)))
    followed = await begin(client)
    starts += [f"requests?follow={followed}"]
    begun = list(forms.buttons_of(await forms.crawl(client.get, *starts)))
    await client.post("drain", json={"instance": instances.own_id(), "force": True})

    async def is_draining() -> bool:
        return "Undrain" in (await client.get("process", params={"id": instances.own_id()})).text

    await eventually(is_draining, what="the button to undrain")
    drained = list(forms.buttons_of(await forms.crawl(client.get, *starts)))
    buttons = {button.what: button for button in (*before, *begun, *drained)}
    assert set(buttons) >= forms.BUTTONS
    own_redis.kill()

    async def is_cut_off() -> bool:
        return instances.is_cut_off()

    await eventually(is_cut_off, seconds=30, what="the outage")
    buttons = {UNDRAIN: buttons.pop(UNDRAIN), **buttons}  # so that there is something to drain
    wrong = {}
    for what, button in buttons.items():
        typed = {name: TYPED for name in button.texts if name in ("reason", "logger")}
        path = button.action.partition("#")[0]
        page = await client.post(path, data={**button.fields, **typed}, headers={"Accept": "text/html"})
        text = " ".join(said(page.text))
        if page.status_code == 500:
            wrong[what] = text
        elif page.status_code >= 400 and "Redis" not in text:
            wrong[what] = f"{page.status_code} does not say why: {text}"
        elif page.status_code >= 400 and page.text.count(f'value="{TYPED}"') < len(typed):
            wrong[what] = f"{page.status_code} forgot what was typed: {text}"
        elif page.status_code == 303:
            shown = await client.get(page.headers["Location"].partition("#")[0])
            if shown.status_code >= 400 and "Redis" not in shown.text:
                wrong[what] = f"{shown.status_code} after it worked: {shown.text}"
        print(what, page.status_code, path, {**button.fields, **typed})
    assert wrong == {}
