"""The section of the page with the log levels: set for a while, who and why, undo."""

import datetime
import logging
import re
import uuid

import httpx
import pytest

from c2casgiutils import config, instances, switches
from c2casgiutils.tools import _loggers


@pytest.fixture
def name() -> str:
    """The name of a logger that exists and that no other test uses."""
    logger = f"tests.{uuid.uuid4().hex}"
    logging.getLogger(logger)
    return logger


async def submit(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """Send the form, and follow where it leads."""
    answer = await client.post("", data=fields)
    if answer.status_code != 303:
        return answer
    return await client.get(str(answer.url.join(answer.headers["Location"])))


def row_of(page: httpx.Response, name: str) -> str:
    """The text of the row of a logger, without the markup."""
    rows = re.findall(r"<tr>.*?</tr>", page.text, re.DOTALL)
    (row,) = [row for row in rows if f">{name}</a>" in row]
    return " ".join(re.sub(r"<[^>]*>", " ", row).split())


async def test_set_for_a_while_and_end(client: httpx.AsyncClient, name: str) -> None:
    """The row says until when, who and why; its button restores the configured level."""
    logging.getLogger(name).setLevel(logging.ERROR)
    page = await submit(client, name=name, level="DEBUG", ttl="1h", scope="cluster", reason="INC-42 <b>")
    assert re.search(
        rf"The level of {name} was set to DEBUG in this process alone. It ends in 59 min \d+ s.", page.text
    )
    row = row_of(page, name)
    assert re.fullmatch(
        rf"{name} DEBUG \d\d:\d\d:\d\d UTC , 59 min \d+ s left secret: INC-42 &lt;b&gt; only \d+ on \S+ End",
        row,
    )
    (moment,) = re.findall(r'<td data-label="until"><time datetime="([^"]*)"', page.text)
    left = datetime.datetime.fromisoformat(moment) - datetime.datetime.now(datetime.UTC)
    assert 3500 < left.total_seconds() <= 3600
    assert "(configured: ERROR)" in page.text
    page = await submit(client, name=name, scope="cluster", end="1")
    assert f"The logger {name} has the level of the configuration." in page.text
    assert f">{name}</a>" not in page.text
    assert _loggers.read(name).level == "ERROR"


async def test_a_process_that_keeps_a_level_of_its_own(client: httpx.AsyncClient, name: str) -> None:
    """The level of all processes is set, and the page names those in which another one is in effect."""
    page = await submit(client, name=name, level="DEBUG", scope="process")
    assert "Partly done." not in page.text
    page = await submit(client, name=name, level="INFO", scope="cluster")
    assert page.status_code == 200
    text = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
    assert "Partly done. But this process has a level of its own, set with another scope." in text
    assert _loggers.read(name).level == "DEBUG"
    page = await submit(client, name=name, scope="cluster", end="1")
    assert "Partly done." not in page.text


@pytest.mark.parametrize(
    ("level", "ttl", "text"),
    [
        ("DEBUG", "", "9 min 59 s left"),
        ("ERROR", "", "no end"),
        ("DEBUG", "none", "no end"),
        ("ERROR", "1d", "23 h 59 min left"),
    ],
)
async def test_how_long(client: httpx.AsyncClient, name: str, level: str, ttl: str, text: str) -> None:
    """By default a level below INFO ends, the others do not."""
    assert text in row_of(await submit(client, name=name, level=level, ttl=ttl), name)


async def test_in_one_process(client: httpx.AsyncClient, name: str) -> None:
    """It has a row of its own, which ends it alone."""
    own = instances.own_id()
    await submit(client, name=name, level="ERROR", scope="cluster")
    page = await submit(client, name=name, level="DEBUG", scope=own)
    assert "was set to DEBUG in this process alone." in page.text
    assert re.search(r"only \d+ on \S+ End", row_of(page, name))
    page = await submit(client, name=name, scope=own, end="1")
    assert f"{name} ERROR" in row_of(page, name)
    assert _loggers.read(name).level == "ERROR"


@pytest.mark.parametrize(
    ("fields", "status", "text"),
    [
        ({"ttl": "0"}, 422, "ttl: a ttl must be from 1 second to 7 days"),
        ({"ttl": "soon"}, 422, "ttl: Invalid time delta"),
        ({"reason": "x" * 201}, 422, "reason: a reason must have at most 200 printable characters"),
        ({"reason": "a\x1bb"}, 422, "200 printable characters"),
        ({"scope": "no:such:one"}, 404, "Unknown instance; known: "),
        ({"level": "LOUD"}, 422, "level: not the name of a log level"),
        ({"scope": "no:such:one", "end": "1"}, 404, "Unknown instance; known: "),
    ],
)
async def test_bad_forms(
    client: httpx.AsyncClient, name: str, fields: dict[str, str], status: int, text: str
) -> None:
    """The page says what is accepted, keeps what was entered, and nothing is changed."""
    form = {"name": name, "level": "DEBUG", "reason": "a reason to keep", **fields}
    page = await submit(client, **form)
    assert page.status_code == status
    assert text in page.text
    assert f'value="{name}"' in page.text
    if "reason" not in fields:
        assert 'value="a reason to keep"' in page.text
    assert _loggers.read(name).level == "NOTSET"


async def test_what_the_form_offers(client: httpx.AsyncClient) -> None:
    """The default duration is that of the setting; without Redis only this process can be chosen."""
    page = (await client.get("")).text
    assert "Redis is not configured: these are the levels of the process that answered" in page
    assert "all processes</option>" not in page
    assert ">the process that answers</option>" in page
    assert "By default a level below <code>INFO</code> lasts for 10 min 0 s, others have no end." in page
    assert f'<option value="{instances.own_id()}">only' in page
    config.settings.tools.logging = config.Settings(tools={"logging": {"ttl": "0"}}).tools.logging
    assert "By default levels have no end." in (await client.get("")).text


async def test_levels_that_show_secrets(client: httpx.AsyncClient) -> None:
    """The page says so after the change."""
    page = await submit(client, name="httpcore", level="DEBUG")
    assert "But the log may hold secrets now: httpcore logs headers of responses, with cookies" in page.text
    await submit(client, name="httpcore", scope="cluster", end="1")


async def test_the_address_is_not_believed(client: httpx.AsyncClient, name: str) -> None:
    """A link cannot make the page say that a level ended that is still there."""
    await switches.put("level", name, "DEBUG")
    page = await client.get("", params={"logger": name, "result": "ended"})
    assert "has the level of the configuration" not in page.text


async def test_a_level_of_nobody(client: httpx.AsyncClient, name: str) -> None:
    """Of one that was taken over from 0.x it is not known who set it."""
    await switches.put("level", name, "DEBUG")
    assert "no end unknown" in row_of(await client.get(""), name)


async def test_readers_see_no_buttons(client: httpx.AsyncClient, name: str) -> None:
    """Without a sign-in nothing is shown, and the form changes nothing."""
    await switches.put("level", name, "DEBUG")
    del client.headers["X-API-Key"]
    answer = await client.post("", data={"name": name, "scope": "cluster", "end": "1"})
    assert answer.status_code == 403
    assert name not in answer.text
    assert _loggers.read(name).level == "DEBUG"
