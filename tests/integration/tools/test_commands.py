"""The curl command of every view and of every button, found on the pages and executed by a real curl."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import httpx
import pytest

from tests.support import forms
from tests.support.auth import KEY, SECRET
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn, binary

APPLICATION = "tests.support.commands_app:app"
LOGGER, SINGLE = "orders.db", "orders.payment"
DIFFERING = "c2casgiutils"
"""Its level is another one in the second process."""
SECONDS = 40


class Service:
    """Two processes, of which the first is asked."""

    def __init__(self, url: str, other: str, directory: Path) -> None:
        self.directory = directory
        self._followed = ""
        self._client = httpx.Client(
            base_url=f"{url}/c2c/", headers={"X-API-Key": SECRET, "Accept": "text/html"}, timeout=60
        )
        self.own, self.other = (httpx.get(f"{each}/process").json() for each in (url, other))

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = self._client.request(method, path, json=body or None, headers={"Accept": "application/json"})
        assert answer.is_success, answer.text
        return answer.json()

    def press(self, button: forms.Button) -> None:
        """Press a button, as a browser does."""
        action = urljoin(button.page, button.action).partition("#")[0]
        answer = self._client.post(action, data=button.fields)
        assert answer.status_code in (200, 303), f"{button.what}: {answer.status_code} {answer.text}"

    def execute(self, command: str) -> bytes:
        """Execute a command in a shell, with the secret in its variable; it must succeed."""
        shell = f'curl() {{ {binary("curl", "curl")} --fail --silent --show-error "$@"; }}\n{command}'
        done = subprocess.run(
            ["bash", "-c", shell],
            env={**os.environ, "C2C_SECRET": SECRET},
            capture_output=True,
            check=False,
            timeout=60,
            cwd=self.directory,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr.decode()}"
        return done.stdout

    def reset(self, *, is_begun: bool, is_drained: bool = False) -> str:
        """Make everything as it was, or begin all that can be ended; return the id of what is followed."""
        for name in (LOGGER, SINGLE, DIFFERING, "root"):
            self.call("DELETE", f"logging/loggers/{name}")
        self.call("DELETE", "db/maintenance")
        self.call("DELETE", "sql_profiler")
        self.call("DELETE", "drain?instance=all")
        if self._followed:
            self._client.delete(f"logging/follow/{self._followed}")  # a button may have ended it
        self._followed = ""
        if is_begun:
            self.call("PUT", f"logging/loggers/{LOGGER}", level="DEBUG", ttl="1h", reason="INC-1")
            self.call("PUT", f"logging/loggers/{SINGLE}", level="ERROR", ttl="2h", reason="INC-2")
            self.call("PUT", f"logging/loggers/{SINGLE}", level="DEBUG", ttl="1h", scope=self.other)
            self.call("PUT", "db/maintenance", readonly=True, ttl="1h")
            self.call("PUT", "sql_profiler", ttl="1h")
            self._followed = self.call("POST", "logging/follow", ttl="10m")["id"]
        if is_drained:
            self.call("POST", "drain", instance=self.own)
            page = f"process?id={quote(self.own)}"
            wait_for(lambda: "Undrain" in self.get(page).text, seconds=SECONDS, what="the drained process")
        return self._followed

    def changes(self) -> list[dict[str, Any]]:
        """Return what was changed, newest first."""
        found: list[dict[str, Any]] = self.call("GET", "events?kind=audit")["events"]
        return found

    def done_since(self, last: dict[str, Any]) -> list[tuple[str, ...]]:
        """Return what was changed since then, without times and made-up names."""
        found = []
        for one in self.changes():
            if one == last:
                break
            action, _, target = one["what"].partition(" ")
            texts = [re.sub(r"\d[\d.:T+-]*", "N", str(one[name])) for name in ("before", "after", "reason")]
            found.append((action, "" if "follow" in action or "profile" in action else target, *texts))
        return found[::-1]

    def wait_for_profile(self) -> None:
        """Wait until another profile could be made: only one at a time is."""
        body = {"instance": self.own, "seconds": 0.01}
        wait_for(
            lambda: self._client.post("debug/profile", json=body).is_success,
            seconds=SECONDS,
            what="the end of the profile",
        )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two processes with Redis and a database."""
    directory: Path = tmp_path_factory.mktemp("database")
    with ExitStack() as servers:
        env = {
            "C2C__AUTH__SECRET": SECRET,
            "C2C__AUTH__JWT__SECRET": KEY,
            "C2C__DB__URL": f"sqlite:///{directory}/service.db",
            "C2C__DEBUG__ENABLED": "True",
            "C2C__HTTP": "True",
            "C2C__INSTANCES__HEARTBEAT": "1",
            "C2C__PROMETHEUS__PORT": "0",
            "C2C__REDIS__URL": servers.enter_context(RedisServer()).url,
        }
        one = servers.enter_context(Uvicorn(APPLICATION, env=env))
        other = servers.enter_context(Uvicorn(APPLICATION, env={**env, "C2C_LOG_LEVEL": "ERROR"}))
        found = Service(one.url, other.url, directory)

        def is_settled() -> bool:
            states = [item["state"] for item in found.call("GET", "instances")["instances"]]
            return states == ["ready", "ready"]

        wait_for(is_settled, seconds=SECONDS, what="two ready processes")
        yield found
        found.close()


STARTS = (
    "",
    f"levels?q={LOGGER}&ttl=2h&reason=INC-42",
    f"levels?q={SINGLE}",
    f"levels?q={DIFFERING}&changed=0&ttl=1h",
    "diagnostics?what=profile&seconds=5",
)


def views(service: Service, *more: str) -> list[forms.Found]:
    """Find one view of each kind."""

    async def get(path: str) -> httpx.Response:
        return service.get(path)

    return asyncio.run(forms.crawl(get, *STARTS, *more))


def test_every_view(service: Service) -> None:
    """Each view has a command in its head that gets its data, and each line that needs attention, too."""
    followed = service.reset(is_begun=True)
    found = views(service, f"requests?follow={followed}")
    paths = {view.address.partition("?")[0] for view in found}
    nav = set(re.findall(r'<a href="([^"]+)" data-key', found[0].text)) - {"./"}
    assert paths >= {*nav, "", "process", "statements", "orders", "drawn"}
    for view in found:
        if view.address.startswith("diagnostics?") and "what=profile" in view.address:
            continue  # there is nothing to get before a profile was made
        assert view.commands, f"{view.address} has no command"
        for command in view.commands:
            body = service.execute(command)
            if "/drawn" in command:
                assert b"3 wait" in body
            else:
                assert body[:1] == b"{", f"{view.address}: {command}: {body[:200]!r}"
    overview = next(view for view in found if view.address == "")
    (problems,) = re.findall('<ul class="problems">(.*?)</ul>', overview.text, re.DOTALL)
    for line in re.split("<li>", problems)[1:]:
        assert " as JSON" in line, line
    assert json.loads(service.execute(next(v for v in found if v.address == "orders").commands[0])) == {
        "waiting": 3,
        "password": "***",
    }


EXPECTED = {
    *forms.BUTTONS,
    *(f"levels levels {word}" for word in ("CRITICAL", "ERROR", "WARNING", "INFO")),
    "levels levels End ERROR",
    "make equal, own",
    "make equal, number",
}
"""Buttons that must be among those that are found."""


def find(service: Service, what: str, page: str, followed: str) -> forms.Button:
    """Find a button again, once the view knows what was reset."""
    address = f"requests?follow={followed}" if followed and page.startswith("requests?follow") else page
    found: list[forms.Button] = []

    def is_there() -> bool:
        view, _ = forms.read(address, service.get(address).text)
        found[:] = [button for button in view.buttons if button.what == what]
        return bool(found)

    wait_for(is_there, seconds=SECONDS, what=f"the button {what}")
    return found[0]


def test_every_button(service: Service) -> None:
    """Each button has a command that does the same, for what is chosen and entered."""
    states = ({"is_begun": False}, {"is_begun": True}, {"is_begun": False, "is_drained": True})
    seen: set[str] = set()
    for state in states:
        followed = service.reset(**state)
        for button in forms.buttons_of(views(service, f"requests?follow={followed}")):
            if button.what in seen:
                continue
            seen.add(button.what)
            assert button.command, f"{button.what} has no command"
            did = []
            for way in ("press", "execute"):
                id_ = service.reset(**state)
                again = find(service, button.what, button.page, id_)
                before = service.changes()[0]
                if way == "press":
                    service.press(again)
                else:
                    service.execute(again.command)
                did.append(service.done_since(before))
                if "Profile" in button.what:
                    service.wait_for_profile()
            assert did[0] == did[1], f"{button.what}\n{did[0]}\n{did[1]}\n{button.command}"
            assert did[0], button.what
    assert seen >= EXPECTED, EXPECTED - seen
