import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from c2casgiutils import config, health_checks
from c2casgiutils._app import create_app
from c2casgiutils.tools import _pages, _static

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


class Broken(health_checks.Check):
    async def check(self) -> health_checks.Result:
        raise RuntimeError("<b>the inner truth</b>")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    health_checks.FACTORY.clear()


async def test_anonymous_page(anonymous: httpx.AsyncClient) -> None:
    """Anybody sees the way in, and nothing of the inside."""
    health_checks.FACTORY.add(Broken())
    await health_checks.FACTORY.check()
    answer = await anonymous.get("")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert 'name="secret"' in answer.text
    assert "Down" in answer.text
    for hidden in ("inner truth", "Broken", "Processes", "logging/overrides", "User-Agent"):
        assert hidden not in answer.text


async def test_dump(client: httpx.AsyncClient) -> None:
    """Administrators can download a dump with a button."""
    assert '<form method="post" action="debug/dump"' in (await client.get("diagnostics")).text


async def test_signed_in_page(client: httpx.AsyncClient) -> None:
    health_checks.FACTORY.add(Broken())
    await health_checks.FACTORY.check()
    answer = await client.get("", headers={"Cookie": "a=hidden-cookie"})
    assert "The service" in answer.text
    assert "&lt;b&gt;the inner truth" in answer.text
    assert "<b>the inner truth" not in answer.text
    for shown in ("Processes", "Log levels"):
        assert shown in answer.text
    for masked in ("hidden-cookie", client.headers["X-API-Key"]):
        assert masked not in answer.text


@pytest.mark.parametrize("is_public", [False, True])
async def test_title_and_version(client: httpx.AsyncClient, is_public: bool) -> None:
    """Strangers learn neither what runs here nor in which version, unless the setting shows them."""
    config.settings.tools.public_title = is_public
    version = metadata.version("c2casgiutils")
    shown = (await client.get("")).text
    del client.headers["X-API-Key"]
    strange = [(await client.get(path)).text for path in ("", "?sign_in=wrong", "?secret=wrong")]
    assert "The service" in shown
    assert f"c2casgiutils {version}" in shown
    for text in strange:
        assert ("The service" in text) is is_public
        assert (version in text) is is_public
        assert ("Operations" in text) is not is_public


@pytest.mark.parametrize("path", ["", "?sign_in=%3Cscript%3E"])
async def test_nothing_inline(client: httpx.AsyncClient, path: str) -> None:
    """No inline script, no style, no absolute link: the policy holds, and any mount path is right."""
    text = (await client.get(path)).text
    text = re.sub(r'<script type="module" src="static/c2c\.[0-9a-f]{12}\.js"></script>', "", text)
    assert re.findall(r"<script|<style|\sstyle=|\son\w+=", text) == []
    targets = re.findall(r'\s(?:href|src|action)="([^"]*)"', text)
    assert targets
    assert [target for target in targets if re.match(r"/|\w+:", target)] == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("wrong", "Wrong secret."),
        ("throttled", "Too many wrong secrets."),
        ("lost", "C2C__HTTP=True"),
        ("other", "Sign in"),
    ],
)
async def test_sign_in_errors(anonymous: httpx.AsyncClient, query: str, text: str) -> None:
    assert text in (await anonymous.get("", params={"sign_in": query})).text


async def test_kept_cookie_is_not_called_lost(client: httpx.AsyncClient) -> None:
    """Who is signed in reads nothing about a cookie that is not kept."""
    assert "C2C__HTTP" not in (await client.get("", params={"sign_in": "lost"})).text


async def test_wrong_secret_in_the_address(anonymous: httpx.AsyncClient) -> None:
    """The page says that the secret in its address is wrong."""
    assert "The secret is wrong." in (await anonymous.get("", params={"secret": "wrong"})).text
    assert "The secret is wrong." not in (await anonymous.get("")).text


async def test_closed_without_configuration(anonymous: httpx.AsyncClient) -> None:
    config.settings.auth = config.Settings().auth
    text = (await anonymous.get("")).text
    assert "closed to everybody" in text
    assert "C2C__AUTH__SECRET" in text


@pytest.mark.parametrize(
    ("mount", "root_path"), [("/c2c", ""), ("/deep/er/ops", ""), ("/c2c", "/behind/a/proxy")]
)
async def test_links_resolve_anywhere(mount: str, root_path: str) -> None:
    config.settings.auth = config.settings.auth.model_copy(update={"secret": "s3cret-of-the-test"})
    main = FastAPI()
    main.mount(mount, create_app())
    transport = httpx.ASGITransport(main, root_path=root_path)
    base = f"http://testserver{root_path}{mount}/"
    async with httpx.AsyncClient(transport=transport, headers={"X-API-Key": "s3cret-of-the-test"}) as client:
        page = await client.get(base)
        targets = {target.partition("#")[0] for target in re.findall(r'\shref="([^"]*)"', page.text)}
        answers = {target: await client.get(page.url.join(target)) for target in targets if target}
    assert {target: answer.status_code for target, answer in answers.items() if not answer.is_success} == {}
    styles = [answer for target, answer in answers.items() if target.endswith(".css")]
    assert [style.headers["Cache-Control"] for style in styles] == ["public, max-age=31536000, immutable"]


async def test_details_switched_off(client: httpx.AsyncClient) -> None:
    health_checks.FACTORY.add(Broken())
    await health_checks.FACTORY.check()
    config.settings.health = config.settings.health.model_copy(update={"details": "never"})
    text = (await client.get("")).text
    assert "Broken" in text
    assert "inner truth" not in text


async def test_unchanged_static_file(client: httpx.AsyncClient) -> None:
    path = f"static/{_static.hashed_name('c2c.css')}"
    first = await client.get(path)
    second = await client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"]
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_static_files(client: httpx.AsyncClient) -> None:
    """Plain names are served too, but not kept; what is no file is not found."""
    plain, missing = await client.get("static/c2c.css"), await client.get("static/none.css")
    assert (plain.status_code, missing.status_code) == (200, 404)
    assert {answer.headers["Cache-Control"] for answer in (plain, missing)} == {"no-cache, no-store"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-40, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3700, "1 h 1 min"), (200000, "2 d 7 h")],
)
def test_duration(seconds: float, text: str) -> None:
    assert _pages.duration(seconds) == text


async def test_head(client: httpx.AsyncClient) -> None:
    answer: Any = await client.head("")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_sort_that_is_unknown(client: httpx.AsyncClient) -> None:
    """The page says so, and keeps the usual order."""
    answer = await client.get("", params={"sort": "nonsense"})
    assert answer.status_code == 200
    assert "sort is state: “nonsense” is not one of" in answer.text
