"""The view of the log levels: find a logger, set its level for a while, see who has it, end it."""

import html
import logging
import re
import shlex
import uuid

import httpx
import pytest
from markupsafe import escape

from c2casgiutils import config, instances, switches
from c2casgiutils.tools import _loggers
from tests.unit.tools.conftest import SECRET


@pytest.fixture
def name() -> str:
    """The name of a logger that exists and that no other test uses."""
    logger = f"tests.{uuid.uuid4().hex}"
    logging.getLogger(logger)
    return logger


async def press(client: httpx.AsyncClient, button: str, value: str, **fields: str) -> httpx.Response:
    """Press a button, and follow where it leads."""
    answer = await client.post("levels", data={**fields, button: value})
    if answer.status_code != 303:
        return answer
    return await client.get(str(answer.url.join(answer.headers["Location"])))


def text_of(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def row_of(page: httpx.Response, name: str) -> str:
    """The markup of the row of a logger."""
    rows = re.findall(
        r'<div id="level-.*?(?=<div id="level-|<details class="below"|</li>)', page.text, re.DOTALL
    )
    (row,) = [row for row in rows if f'aria-label="{escape(name)}" tabindex' in row]
    return str(row)


def pressed(row: str) -> list[str]:
    return re.findall(r'aria-pressed="true">([^<]*)<', row)


async def test_set_for_a_while_extend_and_end(client: httpx.AsyncClient, name: str) -> None:
    """The row says who has the level, until when, who set it and why; its buttons extend and end it."""
    logging.getLogger(name).setLevel(logging.ERROR)
    answer = await client.post(
        "levels", data={"set": f"10 {name}", "ttl": "1h", "reason": "INC-42 <b>", "q": name}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"logger={name}#level-{name}")
    page = await client.get(str(answer.url.join(answer.headers["Location"])))
    row, text = row_of(page, name), text_of(row_of(page, name))
    assert pressed(row) == ["DEBUG"]
    assert "DEBUG (set)" in text
    assert "done 1 of 1 applied DEBUG." in text
    assert re.search(
        r"by secret \( INC-42 <b> \), ends at \d\d:\d\d:\d\d UTC, in 59 min \d+ s End .*\+10 min", text
    )
    assert 'tabindex="-1" aria-describedby="result" autofocus' in row
    assert 'id="result" role="status"' in row
    assert 'value="INC-42 &lt;b&gt;"' in page.text
    assert '<option value="1h" selected>' in page.text

    row = row_of(await press(client, "extend", f"cluster {name}"), name)
    assert re.search(r"\( INC-42 <b> \), .* in 1 h 9 min", text_of(row))

    row = row_of(await press(client, "end", f"cluster {name}"), name)
    assert "No level is set. 1 of 1 have that of the configuration." in text_of(row)
    assert "ERROR (own)" in text_of(row)
    assert pressed(row) == ["ERROR"]
    assert _loggers.read(name).level == "ERROR"


@pytest.mark.parametrize(
    ("level", "ttl", "text"),
    [
        (10, "", "in 9 min 59 s"),
        (40, "", "without an end"),
        (10, "none", "without an end"),
        (40, "1d", "in 23 h 59 min"),
    ],
)
async def test_how_long(client: httpx.AsyncClient, name: str, level: int, ttl: str, text: str) -> None:
    """By default a level below INFO ends, the others do not."""
    row = text_of(row_of(await press(client, "set", f"{level} {name}", ttl=ttl), name))
    assert text in row
    assert ("+10 min" in row) == ("ends at" in row)


async def test_inherit(client: httpx.AsyncClient, name: str) -> None:
    """A logger with a level of its own takes that of its parent."""
    logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("tests").setLevel(logging.INFO)
    try:
        row = row_of(await press(client, "set", f"0 {name}"), name)
        assert pressed(row) == ["inherit"]
        assert "INFO (set to inherit)" in text_of(row)
    finally:
        logging.getLogger("tests").setLevel(logging.NOTSET)


async def test_levels_of_an_application(client: httpx.AsyncClient, name: str) -> None:
    """Levels that the application has registered have a button, also above CRITICAL."""
    logging.addLevelName(70, "LOUD & CLEAR")
    row = row_of(await press(client, "set", f"70 {name}"), name)
    assert pressed(row) == ["LOUD &amp; CLEAR"]
    assert "1 of 1 applied LOUD & CLEAR." in text_of(row)


async def test_the_usual_duration(client: httpx.AsyncClient) -> None:
    """The first duration is that of the setting, the last one has no end and says so."""
    page = (await client.get("levels")).text
    assert ">10 min below INFO, otherwise for ever</option>" in page
    durations = re.findall(
        r"<option[^>]*>([^<]*)<", page.partition('name="ttl"')[2].partition("</select>")[0]
    )
    assert durations[-1] == "for ever: until somebody ends it, also after restarts"
    config.settings.tools.logging = config.Settings(tools={"logging": {"ttl": "0"}}).tools.logging
    assert '<option value="" selected>for ever</option>' in (await client.get("levels")).text


async def test_search_in_any_case(client: httpx.AsyncClient, name: str) -> None:
    """Only matching loggers are listed, with how many there are in how many processes."""
    logging.getLogger(f"{name}.child")
    page = await client.get("levels", params={"q": name.upper()})
    assert re.findall(r'id="level-([^"]*)"', page.text) == [name, f"{name}.child"]
    assert "2 loggers in 1 process." in page.text
    assert f'value="{name.upper()}"' in page.text


async def test_tree(client: httpx.AsyncClient, name: str) -> None:
    """Loggers stand below the nearest one above them."""
    for child in ("a", "a.b", "c.d"):
        logging.getLogger(f"{name}.{child}")
    logging.getLogger(f"{name}-not.below")
    page = (await client.get("levels", params={"q": name})).text
    tree = page[page.index('class="tree"') :]
    tree = re.sub(r'<details class="curl.*?</details>', "", tree, flags=re.DOTALL)
    found = re.findall(r'id="level-[^"]*"|<details|</details>|\d+ below', tree)
    markup = [item.replace(name, "N") for item in found]
    a, b = ['id="level-N.a"', "<details", "1 below", 'id="level-N.a.b"', "</details>"], ['id="level-N.c.d"']
    assert markup == [
        *('id="level-N"', "<details", "3 below", *a, *b, "</details>", 'id="level-N-not.below"'),
    ]


async def test_one_logger_beside_a_search(client: httpx.AsyncClient, name: str) -> None:
    """It is shown with its level, whether it matches or not."""
    await switches.put("level", name, "DEBUG")
    page = await client.get("levels", params={"q": "no.such.logger", "logger": name})
    assert "1 of 1 applied DEBUG." in row_of(page, name)


async def test_changed_only(client: httpx.AsyncClient, name: str) -> None:
    """Only loggers whose level was set are listed."""
    assert "No level was changed at run time." in (await client.get("levels?changed=1")).text
    await switches.put("level", name, "DEBUG")
    page = await client.get("levels?changed=1")
    assert re.findall(r'id="level-([^"]*)"', page.text) == [name]
    assert "by unknown, without an end" in text_of(row_of(page, name))


async def test_an_unknown_name(client: httpx.AsyncClient, name: str) -> None:
    """It is said that no process has it, with names like it; it can be set anyway."""
    unknown = f"{name[:-1]}~"
    page = await client.get("levels", params={"q": unknown, "reason": "INC-42"})
    assert page.status_code == 200
    text = text_of(page.text)
    assert f"No process has a logger of this name, {unknown} ." in text
    assert f"Did you mean {name} ?" in text
    assert f'<a href="levels?q={name}&amp;reason=INC-42">' in page.text
    (link,) = re.findall(r'<a href="([^"]*)">set anyway</a>', page.text)
    page = await client.get(html.unescape(link))
    assert "setting its level creates it" in row_of(page, unknown)
    assert not _loggers.exists(unknown)
    page = await press(client, "set", f"10 {unknown}")
    assert "1 of 1 applied DEBUG." in row_of(page, unknown)
    assert "setting its level creates it" not in page.text


async def test_a_part_of_a_name(client: httpx.AsyncClient, name: str) -> None:
    """What is found is no warning, though no logger has just this name, which can be set anyway."""
    page = await client.get("levels", params={"q": name[:-1]})
    assert f'id="level-{name}"' in page.text
    assert "No process" not in page.text
    assert f"None has the name {name[:-1]} itself: set anyway" in text_of(page.text)
    page = await client.get("levels", params={"q": name})
    assert "set anyway" not in page.text


async def test_a_parent_that_is_no_logger(client: httpx.AsyncClient, name: str) -> None:
    """Python knows no logger of this name, but it can be set for those below it."""
    logging.getLogger(f"{name}x.child")
    page = await client.get("levels", params={"q": f"{name}x"})
    assert f'id="level-{name}x.child"' in page.text
    assert "set anyway" in page.text


REFUSED = [
    ({"set": "10 {name}", "ttl": "0"}, 422, "ttl: a ttl must be from 1 second to 7 days"),
    ({"set": "10 {name}", "ttl": "soon"}, 422, "ttl: Invalid time delta"),
    ({"set": "10 {name}", "reason": "x" * 201}, 422, "reason: a reason must have at most 200"),
    ({"set": "10 {name}", "reason": "a\x1bb"}, 422, "200 printable characters"),
    ({"set": "10 {name}", "scope": "no:such:one"}, 404, "Unknown instance; known: "),
    ({"set": "LOUD {name}"}, 422, "level: not the name of a log level"),
    ({"set": "٣٣٣٣٣٣٣٣ {name}"}, 422, "level: not the name of a log level"),
    ({"set": "9" * 5000 + " {name}"}, 422, "level: not the name of a log level"),
    ({"set": "0 root"}, 422, "the root logger has no parent"),
    ({"set": "10"}, 422, "name: String should have at least 1 character"),
    ({"set": "10 a\x1bb"}, 422, "printable"),
    ({"end": "no:such:one {name}"}, 404, "Unknown instance; known: "),
    ({"end": " {name}"}, 422, "scope: String should have at least 1 character"),
    ({"extend": "cluster {name}"}, 422, "ended in the meantime"),
    ({"extend": "no:such:one {name}"}, 404, "Unknown instance; known: "),
    ({"equal": "own"}, 422, "name: String should have at least 1 character"),
    ({}, 422, "no level was chosen"),
]


@pytest.mark.parametrize(("fields", "status", "text"), REFUSED, ids=range(len(REFUSED)))
async def test_refused(
    client: httpx.AsyncClient, name: str, fields: dict[str, str], status: int, text: str
) -> None:
    """The view says what is accepted, keeps what was entered, and nothing is changed."""
    fields = {key: value.format(name=name) for key, value in fields.items()}
    page = await client.post("levels", data={"q": name, "reason": "a reason to keep", **fields})
    assert page.status_code == status
    assert text in page.text
    assert f'name="q" type="search" value="{name}"' in page.text
    if "reason" not in fields:
        assert 'value="a reason to keep"' in page.text
    if fields.get("ttl") == "soon":
        assert '<option value="soon" selected>' in page.text
    assert _loggers.read(name).level == "NOTSET"


async def test_a_refusal_stands_in_the_row(client: httpx.AsyncClient, name: str) -> None:
    """The row has the focus."""
    page = await client.post("levels", data={"set": f"10 {name}", "ttl": "0"})
    row = row_of(page, name)
    assert 'aria-describedby="result" autofocus>' in row
    assert "Not changed. ttl: a ttl must be from" in text_of(row)


async def test_in_one_process(client: httpx.AsyncClient, name: str) -> None:
    """Its level has a line of its own, which ends it alone."""
    own = instances.own_id()
    await press(client, "set", f"40 {name}")
    page = await press(client, "set", f"10 {name}", scope=own)
    text = text_of(row_of(page, name))
    assert re.search(r"changed ERROR by .* changed DEBUG only in \d+ on \S+, by secret", text)
    assert re.search(r"done Each process has a level of its own: DEBUG only in \d+ on \S+, as asked\.", text)
    text = text_of(row_of(await press(client, "end", f"{own} {name}"), name))
    assert "DEBUG" not in text.partition("changed")[2]
    assert "1 of 1 applied ERROR." in text


async def test_extend_in_one_process(client: httpx.AsyncClient, name: str) -> None:
    own = instances.own_id()
    page = await press(client, "set", f"10 {name}", scope="process", ttl="1h")
    result = text_of(row_of(page, name).partition('id="result"')[2])
    assert re.search(r"done DEBUG only in \d+ on \S+, as asked\. No level is set for all processes\.", result)
    page = await press(client, "extend", f"{own} {name}", scope="cluster")
    assert re.search(r"only in \d+ on \S+, .* in 1 h 9 min", text_of(row_of(page, name)))


async def test_never_longer_than_a_week(client: httpx.AsyncClient, name: str) -> None:
    await press(client, "set", f"10 {name}", ttl="7d")
    page = await press(client, "extend", f"cluster {name}")
    assert "in 6 d 23 h" in text_of(row_of(page, name))


async def test_make_equal(client: httpx.AsyncClient, name: str) -> None:
    """Levels of single processes end; where the configurations differ, all get the same level."""
    await press(client, "set", f"40 {name}", ttl="1h", reason="INC-42")
    await press(client, "set", f"10 {name}", scope="process")
    row = text_of(row_of(await press(client, "equal", f"own {name}"), name))
    assert re.search(r"changed ERROR by secret \( INC-42 \), .* (59|60) min", row)
    assert "DEBUG only" not in row
    await press(client, "end", f"cluster {name}")
    assert "1 of 1 applied INFO." in row_of(await press(client, "equal", f"20 {name}"), name)


async def test_levels_that_show_secrets(client: httpx.AsyncClient) -> None:
    """One sentence warns before and after the change, and nothing has to be confirmed."""
    logging.getLogger("httpcore")
    page = await client.get("levels?q=httpcore")
    assert "Careful: from DEBUG on, it logs headers of responses, with cookies." in row_of(page, "httpcore")
    row = row_of(await press(client, "set", "10 httpcore"), "httpcore")
    assert "the log may hold secrets now: httpcore logs headers of responses, with cookies" in row
    assert "Careful: below INFO, every library" in row_of(await client.get("levels"), "root")


async def test_many_loggers(client: httpx.AsyncClient) -> None:
    """At most 150 are shown, those that were changed among them, and how many there are is said."""
    for number in range(205):
        logging.getLogger(f"tests.rows.{number:03}")
    await switches.put("level", "tests.rows.204", "INFO")
    page = (await client.get("levels?q=tests.rows")).text
    shown = re.findall(r'id="level-tests.rows.(\d*)"', page)
    assert len(shown) == 150
    assert "204" in shown
    assert "205 loggers in 1 process. 150 are shown" in text_of(page)


@pytest.mark.parametrize(
    "query", ["q=%3Cscript%3E", "logger=%3Cscript%3E&set=10+%3Cscript%3E", "ttl=%3Cscript%3E"]
)
async def test_nothing_inline(client: httpx.AsyncClient, query: str) -> None:
    """No script, no style, no absolute link: the strict policy holds, and any mount path is right."""
    answer = await client.get(f"levels?{query}")
    assert answer.status_code == 200
    assert re.findall(r'<script(?! type="module" src="static/[^"/]*">)', answer.text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", answer.text) == []
    targets = re.findall(r'\s(?:href|src|action|formaction)="([^"]*)"', answer.text)
    assert [target for target in targets if re.match(r"/|\w+:", target)] == []


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "x" * 10_240,
        "changed=maybe",
        "scope=gone:1:aa",
        "logger=%00",
        "set=&end=",
        "ttl=soon",
        "q=%ff%00",
    ],
)
async def test_any_query_is_answered(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"levels?{query}")
    assert answer.status_code == 200
    if query.startswith("scope"):
        assert '<option value="gone:1:aa" selected>' in answer.text
    if query.startswith("q=xx"):
        assert "q is longer than 200 characters and was cut." in answer.text


async def test_names_with_odd_characters(client: httpx.AsyncClient) -> None:
    """The fragment is that of the row, whatever the name is."""
    odd = 'tests.of the "page" & %20é<'
    answer = await client.post("levels", data={"set": f"10 {odd}"})
    fragment = answer.headers["Location"].partition("#")[2]
    page = await client.get(str(answer.url.join(answer.headers["Location"])))
    assert f'id="{fragment}"' in row_of(page, odd)
    assert "1 of 1 applied DEBUG." in row_of(page, odd)
    assert _loggers.read(odd).level == "DEBUG"


async def test_readers_see_everything_without_buttons(
    callers: dict[str, httpx.AsyncClient], name: str
) -> None:
    """What they would need is said; writers do not see the sentence."""
    await switches.put("level", name, "DEBUG", reason="INC-42")
    pages = {caller: await client.get(f"levels?q={name}") for caller, client in callers.items()}
    reader = pages["pull"]
    assert "INC-42" in row_of(reader, name)
    assert "<button" not in row_of(reader, name)
    assert "Setting levels needs read and write : push permission on org/repo." in text_of(reader.text)
    assert "You have read access" not in pages["push"].text
    refused = await callers["pull"].post("levels", data={"end": f"cluster {name}"})
    assert refused.status_code == 403
    assert "Not changed." in refused.text
    assert _loggers.read(name).level == "DEBUG"


async def test_the_root_above_warning_is_for_administrators(callers: dict[str, httpx.AsyncClient]) -> None:
    refused = await callers["push"].post("levels", data={"set": "50 root"})
    assert refused.status_code == 403
    assert "requires the admin level" in row_of(refused, "root")
    assert (await callers["admin"].post("levels", data={"set": "50 root"})).status_code == 303


async def test_a_session_that_ended(anonymous: httpx.AsyncClient, name: str) -> None:
    """The entry is kept over the sign-in, and nothing is done until the button is pressed again."""
    fields = {"q": name, "set": f"10 {name}", "ttl": "1h", "reason": "INC-42"}
    answer = await anonymous.post("levels", data=fields)
    assert answer.status_code == 403
    (target,) = re.findall(r'name="came_from" value="([^"]*)"', answer.text)
    anonymous.headers["X-API-Key"] = SECRET
    page = await anonymous.get(html.unescape(target))
    assert f"Not done yet. Press “DEBUG” of {name} again." in text_of(row_of(page, name))
    assert 'value="INC-42"' in page.text
    assert '<option value="1h" selected>' in page.text
    assert _loggers.read(name).level == "NOTSET"


async def test_a_form_of_another_site(anonymous: httpx.AsyncClient, name: str) -> None:
    """The session cookie alone is no proof: a form on another site changes nothing."""
    signed_in = await anonymous.post("auth/login", data={"secret": SECRET})
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    for headers, status in (
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 303),
    ):
        answer = await anonymous.post(
            "levels", data={"set": f"10 {name}"}, headers={"Cookie": cookie, **headers}
        )
        assert answer.status_code == status
        assert (_loggers.read(name).level == "DEBUG") == (status == 303)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain", ""])
async def test_a_post_that_is_no_form(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("levels", content=b'{"set": "a"}', headers={"Content-Type": content_type})
    assert 400 <= answer.status_code < 500


async def test_redis_that_cannot_be_reached(client: httpx.AsyncClient, name: str) -> None:
    """Only this process can be set, and the form offers nothing else."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    page = await client.get(f"levels?q={name}")
    assert page.status_code == 200
    assert "Levels can be set in this process only" in page.text
    assert re.findall(r'<option value="([^"]*)"[^>]*>this process only<', page.text) == ["process"]
    assert "all processes</option>" not in page.text


async def test_from_the_overview(client: httpx.AsyncClient, name: str) -> None:
    """A level that is set is ended and extended where attention is needed, and the overview comes back."""
    await press(client, "set", f"10 {name}", ttl="1h")
    overview = (await client.get("")).text
    assert f"Logger {name} is at DEBUG" in overview
    assert f'href="levels?logger={name}#level-{name}"' in overview
    buttons = re.findall(r'<button name="(end|extend)" value="([^"]*)"', overview)
    assert buttons == [("end", f"cluster {name}"), ("extend", f"cluster {name}")]
    for button, value in reversed(buttons):
        answer = await client.post("levels", data={button: value, "back": "1"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "./#attention")
    assert f"Logger {name}" not in (await client.get("")).text


async def test_the_overview_of_readers(callers: dict[str, httpx.AsyncClient], name: str) -> None:
    await switches.put("level", name, "DEBUG")
    assert 'action="levels"' not in (await callers["pull"].get("")).text
    assert 'action="levels"' in (await callers["push"].get("")).text


async def run(client: httpx.AsyncClient, command: str) -> httpx.Response:
    """Send what a curl command sends."""
    words = shlex.split(html.unescape(command))
    body = words[words.index("-d") + 1] if "-d" in words else None
    method = words[words.index("-X") + 1]
    return await client.request(method, words[-1], content=body, headers={"Content-Type": "application/json"})


def command_of(page: httpx.Response, name: str, level: str) -> str:
    """The command that sets a level: each button of the row has one."""
    commands = re.findall(r"<code>(curl -X PUT .*?)</code>", row_of(page, name))
    (command,) = [each for each in commands if f'"level": "{level}"' in html.unescape(each)]
    return str(command)


async def test_commands_do_what_the_buttons_do(client: httpx.AsyncClient, name: str) -> None:
    """Each action of a row has its curl command, with the time, scope and reason that were entered."""
    page = await client.get("levels", params={"logger": name, "ttl": "1h", "reason": "INC-42"})
    command = command_of(page, name, "DEBUG")
    assert (await run(client, command)).status_code == 200
    page = await client.get("levels", params={"logger": name})
    assert re.search(
        r"DEBUG by secret \( INC-42 \), ends at .*, in 59 min \d+ s", text_of(row_of(page, name))
    )

    ending, longer = re.findall(r"<code>(curl -X [A-Z]+ .*?)</code>", row_of(page, name))[-2:]
    assert (await run(client, longer)).status_code == 200
    page = await client.get("levels", params={"logger": name})
    assert re.search(
        r"DEBUG by secret \( INC-42 \), ends at .*, in 1 h [89] min", text_of(row_of(page, name))
    )

    overview = (await client.get("")).text
    assert ending in overview
    assert (await run(client, ending)).status_code == 200
    assert _loggers.read(name).level == "NOTSET"


async def test_commands_without_an_end(client: httpx.AsyncClient, name: str) -> None:
    """A level for ever is set with null."""
    page = await client.get("levels", params={"logger": name, "ttl": "none"})
    command = command_of(page, name, "DEBUG")
    assert (await run(client, command)).status_code == 200
    page = await client.get("levels", params={"logger": name})
    assert "without an end" in text_of(row_of(page, name))
