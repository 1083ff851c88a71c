"""The commands to copy."""

import html
import json
import re
import shlex
from typing import Any

import httpx
import pytest
from fastapi import Request

from c2casgiutils import config, instances
from c2casgiutils._app import create_app
from c2casgiutils.tools import _views
from c2casgiutils.tools._curl import Curl, logger_path
from tests.unit.tools.conftest import SECRET


def request(*, host: str = "example.com", root_path: str = "/c2c") -> Request:
    scope = {
        "type": "http",
        "scheme": "https",
        "path": f"{root_path}/levels",
        "root_path": root_path,
        "query_string": b"",
        "headers": [(b"host", host.encode("latin-1"))],
        "app": create_app(),
    }
    return Request(scope)


def words(command: str) -> list[str]:
    """The words that a shell makes of a command, with the variables as they are."""
    return shlex.split(command)


COMMANDS: list[tuple[dict[str, Any], list[str]]] = [
    ({"path": "overview"}, ["https://example.com/c2c/overview"]),
    (
        {"path": "logging/loggers", "query": {"q": "a'b &", "changed": "", "instance": None}},
        ["https://example.com/c2c/logging/loggers?q=a%27b+%26"],
    ),
    ({"path": "drain", "method": "DELETE"}, ["-X", "DELETE", "https://example.com/c2c/drain"]),
    (
        {"path": "drain", "method": "POST", "body": {"reason": "it's $HOME `x` \n"}},
        [
            *("-X", "POST", "-H", "Content-Type: application/json", "-d"),
            json.dumps({"reason": "it's $HOME `x` \n"}),
            "https://example.com/c2c/drain",
        ],
    ),
]


@pytest.mark.parametrize(("arguments", "expected"), COMMANDS, ids=["view", "query", "method", "body"])
def test_commands(arguments: dict[str, Any], expected: list[str]) -> None:
    """A shell takes each command apart as intended, and finds the secret in a variable."""
    found = words(Curl(request(), "SECRET")(**arguments))
    assert found[0] == "curl"
    credential = found.index("X-API-Key: $C2C_SECRET")
    assert [*found[1 : credential - 1], *found[credential + 1 :]] == expected


@pytest.mark.parametrize(
    ("mode", "bearer", "header"),
    [
        ("SECRET", False, ["X-API-Key: $C2C_SECRET"]),
        ("GITHUB", True, ["Authorization: Bearer $GITHUB_TOKEN"]),
        ("GITHUB", False, ["Cookie: $C2C_COOKIE"]),
        ("TEST", False, []),
        ("NONE", False, []),
    ],
)
def test_credentials(mode: str, bearer: bool, header: list[str]) -> None:
    """Each kind of sign-in has its header; the variable is not quoted away."""
    config.settings.auth.github.bearer = bearer
    command = Curl(request(), mode)("overview")
    assert words(command)[1:-1] == [part for value in header for part in ("-H", value)]
    assert "'$" not in command


@pytest.mark.parametrize("host", ["a;rm -rf /", "$(id)", "", "a b"])
def test_hosts_that_are_not_valid(host: str) -> None:
    """No visitor copies what somebody else wrote into the host."""
    assert words(Curl(request(host=host), "NONE")("overview")) == ["curl", "https://example.com/overview"]


def test_paths_that_a_shell_would_read() -> None:
    command = Curl(request(root_path="/a;b$(id)'"), "NONE")("overview")
    assert words(command) == ["curl", "https://example.com/a%3Bb$(id)'/overview"]


@pytest.mark.parametrize("name", ["a?b", "a#b", "a%b", "a%2Fb", "a..b", "...", "a b", "é"])
async def test_command_of_a_logger(client: httpx.AsyncClient, name: str) -> None:
    """Its path means this logger and no other."""
    path = logger_path(name)
    assert path is not None
    answer = await client.put(path, json={"level": "DEBUG"})
    assert (answer.status_code, answer.json()["name"]) == (200, name)


@pytest.mark.parametrize("name", ["a/b", "/a", "a//b", "a/../b", "..", "."])
async def test_logger_without_a_command(client: httpx.AsyncClient, name: str) -> None:
    """A URL with its name would be that of another logger or view; the buttons work, the page says so."""
    assert logger_path(name) is None
    assert (await client.post("logging/level", json={"name": name, "level": "INFO"})).status_code == 200
    page = (await client.get("levels", params={"logger": name})).text
    for subject in (f"set {name}", f"End INFO of {name}"):
        line = page[page.index(f'aria-label="curl: {subject}"') :]
        assert line.partition("</details>")[0].endswith("takes it, without an end.</p>")
    sent = {"end": f"cluster {name}"}
    answer = await client.post("levels", data=sent, headers={"Origin": "http://testserver"})
    assert answer.status_code in (200, 303)
    assert name not in [one["name"] for one in (await client.get("logging/overrides")).json()["overrides"]]


async def test_page_shows_its_twin(client: httpx.AsyncClient) -> None:
    """Each view that is on shows the command that gets its data, and no page contains the secret."""
    for view in _views.VIEWS:
        page = (await client.get(view.href)).text
        assert SECRET not in page
        if view.off() is None:
            assert f"http://testserver/c2c/{view.twin}" in page
            assert (await client.get(view.twin)).status_code == 200


async def test_strangers_see_no_command(anonymous: httpx.AsyncClient) -> None:
    assert "curl" not in (await anonymous.get("")).text


def body_of(page: str, subject: str) -> dict[str, Any]:
    """The body of the command with this subject."""
    label = re.escape(html.escape(f"curl: {subject}"))
    (command,) = re.findall(rf'aria-label="{label}[^"]*">curl</summary><code>(.*?)</code>', page)
    *_, flag, body, _ = words(html.unescape(command))
    assert flag == "-d"
    found: dict[str, Any] = json.loads(body)
    return found


BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("database", "Begin maintenance", {"readonly": True}),
    ("database?ttl=none", "Begin maintenance", {"readonly": True}),
    (
        "database?ttl=1h&reason=INC-42",
        "Begin maintenance",
        {"readonly": True, "ttl": "1h", "reason": "INC-42"},
    ),
    ("process?id={own}", "Drain", {"instance": "{own}"}),
    (
        "process?id={own}&seconds=600&reason=INC-42",
        "Drain",
        {"instance": "{own}", "seconds": "600", "reason": "INC-42"},
    ),
    ("requests", "Follow a request", {"level": "DEBUG", "ttl": "10m"}),
    (
        "requests?level=INFO&ttl=1m&logger=app.x",
        "Follow a request",
        {"level": "INFO", "ttl": "1m", "logger": "app.x"},
    ),
    ("statements", "Start to record", {"ttl": "5m"}),
    ("statements?ttl=15m&plans=explain", "Start to record", {"ttl": "15m", "explain": True}),
    ("diagnostics?what=profile", "Start a profile", {"instance": "{own}", "seconds": "10"}),
    ("diagnostics?what=profile&id=self", "Start a profile", {"instance": "{own}", "seconds": "10"}),
    ("diagnostics?what=profile&seconds=30", "Start a profile", {"instance": "{own}", "seconds": "30"}),
]


@pytest.mark.parametrize(
    ("address", "subject", "wanted"), BODIES, ids=[f"{address}" for address, *_ in BODIES]
)
async def test_command_does_what_the_button_does(
    client: httpx.AsyncClient, address: str, subject: str, wanted: dict[str, Any]
) -> None:
    """Its body has what is entered, and neither less nor more."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    own = instances.own_id()
    page = await client.get(address.replace("{own}", own))
    found = body_of(page.text, subject)
    assert found == {name: own if value == "{own}" else value for name, value in wanted.items()}


async def test_command_is_accepted(client: httpx.AsyncClient) -> None:
    """The texts of a form are accepted as JSON, too."""
    page = await client.get(f"process?id={instances.own_id()}&seconds=600&reason=INC-42")
    body = body_of(page.text, "Drain") | {"force": True}
    instances.set_state("ready")
    assert (await client.post("drain", json=body)).json()["drained"] == [instances.own_id()]
    assert (await client.delete("drain")).status_code == 200
