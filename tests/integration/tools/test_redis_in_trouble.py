"""Every form and view of a process while its Redis hangs, refuses, or is a replica, loading or empty.

What happens while nothing listens there is in `test_forms_without_redis`.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from c2casgiutils.tools._views import VIEWS
from tests.support import forms
from tests.support.net import SOON_SECONDS, free_port, wait_for
from tests.support.processes import RedisServer, Uvicorn

KEY = {"X-API-Key": "a-secret-of-the-operators"}
LOGGER = "orders.db"
TYPED = "typed-by-hand"
FOLLOWED = "requests requests End, and forget the lines"
OF_PROCESS = {"process process Drain", "process process Undrain", "diagnostics diagnostics Profile"}
"""Buttons that need no Redis, and cannot be pressed twice."""
SETTINGS = {
    "C2C__AUTH__SECRET": KEY["X-API-Key"],
    "C2C__DEBUG__ENABLED": "True",
    "C2C__HTTP": "True",
    "C2C__INSTANCES__HEARTBEAT": "2",
    "C2C__PROMETHEUS__PORT": "0",
}
ADMIN = ("admin", "secret-of-the-test")


class Service:
    """A process with a database, Redis, and something of each kind to end.

    Args:
        client: Of its mount.
        redis: Its Redis.
    """

    def __init__(self, client: httpx.Client, redis: RedisServer) -> None:
        self.client, self.redis = client, redis
        self.buttons: dict[str, forms.Button] = {}

    def begin(self) -> str:
        """Begin what can be ended, and return the id of what is followed."""
        self.put(f"logging/loggers/{LOGGER}", level="DEBUG", ttl="1h")
        self.put("db/maintenance", readonly=True)
        self.put("sql_profiler", ttl="1h")
        return str(self.client.post("logging/follow", json={"ttl": "10m"}).json()["id"])

    def put(self, path: str, **body: object) -> None:
        assert self.client.put(path, json=body).is_success

    def find_buttons(self) -> None:
        """Find one button of each kind."""

        async def get(path: str) -> httpx.Response:
            return self.client.get(path)

        for _ in range(2):
            starts = ["", f"levels?logger={LOGGER}", "diagnostics?what=profile"]
            starts += [f"requests?follow={self.begin()}"] if self.buttons else []
            found = asyncio.run(forms.crawl(get, *starts))
            self.buttons.update((button.what, button) for button in forms.buttons_of(found))
        assert set(self.buttons) >= forms.BUTTONS - OF_PROCESS

    def attention(self) -> str:
        """Return the kinds and texts of what needs attention, of which it is known since when."""
        found = self.client.get("overview").json()["attention"]
        return "\n".join(f"{item['kind']}: {item['text']}" for item in found if item["since"])

    def requests_in_flight(self) -> float:
        """Return how many requests are not answered yet, with the one that asks."""
        (own,) = self.client.get("instances", params={"samples": False}).json()["instances"]
        return float(own["figures"]["requests_in_flight"])

    def is_well(self) -> bool:
        """Return whether Redis is as it should be."""
        return re.search("^(redis|roster|late): ", self.attention(), re.MULTILINE) is None


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory: Path = tmp_path_factory.mktemp("database")
    with RedisServer() as redis:
        env = {**SETTINGS, "C2C__REDIS__URL": redis.url, "C2C__DB__URL": f"sqlite:///{directory}/service.db"}
        with (
            Uvicorn("tests.support.every_view_app:app", env=env) as server,
            httpx.Client(base_url=f"{server.url}/c2c/", headers=KEY, timeout=SOON_SECONDS) as client,
        ):
            service = Service(client, redis)
            wait_for(service.is_well, what="the roster")
            service.find_buttons()
            yield service


@pytest.fixture
def service(_shared: Service) -> Service:
    """The service, with everything begun again."""
    wait_for(_shared.is_well, what="the service after the last trouble")
    _shared.buttons[FOLLOWED].fields["end"] = _shared.begin()
    return _shared


@contextlib.contextmanager
def told(redis: RedisServer, *commands: str, back: str) -> Iterator[None]:
    with redis.client() as client:
        client.execute_command("ACL", "SETUSER", ADMIN[0], "on", f">{ADMIN[1]}", "~*", "&*", "+@all")
        client.execute_command("AUTH", *ADMIN)
        for command in (*commands, "CLIENT KILL TYPE normal SKIPME yes", "CLIENT KILL TYPE pubsub"):
            client.execute_command(*command.split())
        try:
            yield
        finally:
            client.execute_command(*back.split())


@contextlib.contextmanager
def hanging(redis: RedisServer) -> Iterator[None]:
    redis.pause()
    try:
        yield
    finally:
        redis.resume()


@contextlib.contextmanager
def loading(redis: RedisServer) -> Iterator[None]:
    with redis.client() as client:
        client.mset({f"filler:{number}": "x" * 50 for number in range(8000)})
        client.save()
    redis.kill()
    command = list(redis.command)
    slow = ("--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024")
    redis.command = [*command, *slow]
    redis._popen()  # `start` would wait until it is loaded
    try:
        yield
    finally:
        redis.kill()
        redis.command = command
        (redis.directory / "dump.rdb").unlink()
        redis.start()


FAULTS: dict[str, tuple[Callable[[RedisServer], Any], str]] = {
    "hangs": (hanging, "redis: .*(did not reply|no connection within)"),
    "is full": (
        lambda redis: told(redis, "CONFIG SET maxmemory 1", back="CONFIG SET maxmemory 0"),
        "roster: Redis refuses .*OOM",
    ),
    "is a replica": (
        lambda redis: told(redis, f"REPLICAOF 127.0.0.1 {free_port()}", back="REPLICAOF NO ONE"),
        "redis: .*replica",
    ),
    "has another password": (
        lambda redis: told(redis, "ACL SETUSER default resetpass >new", back="ACL SETUSER default nopass"),
        "redis: .*HELLO must be called with the client already authenticated",
    ),
    "lets only read": (
        lambda redis: told(redis, "ACL SETUSER default -@write -eval", back="ACL SETUSER default +@all"),
        "roster: Redis refuses .*NOPERM",
    ),
    "loads its data": (loading, "redis: .*LOADING"),
}
"""Each with what the overview says of it."""


def complaint(button: forms.Button, typed: dict[str, str], answer: httpx.Response) -> str:
    """Return what is wrong with the answer to a form; empty if it says what was not done and why."""
    if answer.status_code == 500:
        return answer.text
    if answer.status_code >= 400 and "Redis" not in answer.text:
        return f"{answer.status_code} does not say why: {answer.text}"
    if answer.status_code >= 400 and answer.text.count(f'value="{TYPED}"') < len(typed):
        return f"{answer.status_code} forgot what was typed into {typed}"
    return ""


def press_all(service: Service, *, is_slow: bool = False) -> dict[str, str]:
    """Press one button of each kind, or of each form, and return what is wrong with the answers."""
    wrong = {}
    buttons = service.buttons
    if is_slow:
        first = {button.action: what for what, button in reversed(buttons.items())}
        buttons = {what: buttons[what] for what in first.values()}
    for what, button in buttons.items():
        typed = {name: TYPED for name in button.texts if name in ("reason", "logger")}
        path = button.action.partition("#")[0]
        if what not in OF_PROCESS:
            form = {**button.fields, **typed}
            answer = service.client.post(path, data=form, headers={"Accept": "text/html"})
            wrong[what] = complaint(button, typed, answer)
    return {what: text for what, text in wrong.items() if text}


def look_at_all(service: Service) -> dict[str, int]:
    """Return the status of each view that is not shown."""
    paths = [view.id or "./" for view in VIEWS if view.parent is None]
    found = {path: service.client.get(path, headers={"Accept": "text/html"}).status_code for path in paths}
    return {path: status for path, status in found.items() if status != 200}


@pytest.mark.parametrize("name", FAULTS)
def test_every_form_and_view(service: Service, name: str) -> None:
    """A click right after the trouble began is answered; the page says what it is, and health goes on."""
    fault, said = FAULTS[name]
    with fault(service.redis):
        wrong = press_all(service, is_slow=name == "hangs")
        wait_for(lambda: re.search(said, service.attention()) is not None, what=f"{said} on the overview")
        unseen = look_at_all(service)
        health = {
            entity["name"]: entity["status"]
            for entity in service.client.get("health_checks").json()["entities"]
        }
    assert (wrong, unseen) == ({}, {})
    assert health["local-pool"] == "pass"
    wait_for(service.is_well, what="the service after the trouble")


def test_empty_between_page_and_click(service: Service) -> None:
    """What is to end may have ended; everything else works as if nothing had happened."""
    service.redis.restart()
    wrong = {what: text for what, text in press_all(service).items() if "ended in the meantime" not in text}
    assert wrong == {}


def test_killed_between_click_and_answer(service: Service) -> None:
    """The answer says what is known of the change, which is not made here; what was typed is kept."""
    form = {"set": f"40 {LOGGER}", "reason": TYPED}
    with ThreadPoolExecutor(1) as pool, service.redis.client() as admin:
        admin.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
        with httpx.Client(base_url=service.client.base_url, headers=KEY, timeout=SOON_SECONDS) as other:
            answering = pool.submit(other.post, "levels", data=form, headers={"Accept": "text/html"})
            wait_for(lambda: service.requests_in_flight() > 1, what="the form on its way")
            service.redis.kill()
            try:
                answer = answering.result(SOON_SECONDS)
            finally:
                service.redis.start()
    assert answer.status_code == 503
    assert re.search(
        "Redis .*: (the level was not changed|no process was changed, but the level may be kept)", answer.text
    )
    assert f'value="{TYPED}"' in answer.text
    level = service.client.get("logging/level", params={"name": LOGGER}).json()["level"]
    assert level == "DEBUG"
