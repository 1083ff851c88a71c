"""The command line against a service of two processes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from c2casgiutils.scripts.command import main
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn
from tests.support.scripts import call

DOCS = Path(__file__).parents[3] / "docs"
SECRET = "the-secret-of-the-command"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def service(redis_server: RedisServer) -> Iterator[str]:
    """The URL of a service with two workers."""
    env = {
        "C2C__AUTH__SECRET": SECRET,
        "C2C__REDIS__URL": redis_server.url,
        "C2C__INSTANCES__HEARTBEAT": "1s",
    }
    with Uvicorn("tests.support.page_app:app", env=env, workers=2) as server:
        url = f"{server.url}/c2c"

        def settled() -> bool:
            found = httpx.get(f"{url}/instances", headers={"X-API-Key": SECRET}).json()
            states = [one["state"] for one in found["instances"]]
            return states == ["ready", "ready"] and found["roster"] == "current"

        wait_for(settled, seconds=60, what="two processes")
        yield url


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("C2C_SECRET", "C2C__AUTH__SECRET", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("C2C_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")


def run(service: str, *arguments: str) -> object:
    """The exit code of a command."""
    return call(main, "--url", service, *arguments)


def test_health(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The state of the service decides the exit code."""
    assert run(service, "health") == 0
    assert capsys.readouterr().out.startswith("The service is ok.")
    assert run(service, "--json", "health") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "ok"


@pytest.mark.parametrize("secret", ["", "of-another-service"])
def test_health_of_a_stranger(
    secret: str, service: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has no secret, or a wrong one, is told why there is nothing but the state."""
    monkeypatch.setenv("C2C_SECRET", secret)
    assert run(service, "health") == 0
    out, err = capsys.readouterr()
    assert out == "The service is ok.\n"
    assert ("is wrong" if secret else "set C2C_SECRET") in err
    assert len(err.splitlines()) == 1


def test_instances(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each process."""
    assert run(service, "instances") == 0
    assert capsys.readouterr().out.count("ready") == 2


def test_levels(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A level is set in both processes, listed, read and ended."""
    assert run(service, "levels", "app.of.command", "debug", "--ttl=5m", "--reason=INC-42") == 0
    shown, warned = capsys.readouterr()
    assert shown.startswith("app.of.command is at DEBUG, until ")
    assert "2 of 2 processes have it." in shown
    assert "has no logger of this name" in warned
    assert run(service, "levels") == 0
    shown = capsys.readouterr().out
    assert "app.of.command" in shown
    assert "INC-42" in shown
    assert run(service, "levels", "--search", "OF.COMMAND") == 0
    assert "DEBUG" in capsys.readouterr().out
    assert run(service, "levels", "app.of.command", "--end") == 0
    assert ", as configured: 2 of 2 processes have it." in capsys.readouterr().out
    assert run(service, "levels") == 0
    assert "app.of.command" not in capsys.readouterr().out


def documented_keys() -> dict[str, set[str]]:
    """The keys of each command, as the page shows them."""
    section = (DOCS / "scripts.md").read_text().partition("| Command | View | Keys |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1::2] for line in section.splitlines()[2:]]
    return {
        command: set(re.findall(r"`(\w+)`", keys))
        for commands, keys in rows
        for command in re.findall(r"`([^`]+)`", commands)
    }


@pytest.mark.parametrize("command", documented_keys())
def test_json(service: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--json` each command prints JSON with the documented keys, and nothing else."""
    words = (
        command.replace("--search", "--search=app").replace("NAME", "app.of.json").replace("LEVEL", "INFO")
    )
    if "drain" in words:
        assert run(service, "--json", "instances") == 0
        words += f" --instance={json.loads(capsys.readouterr().out)['instances'][0]['id']}"
    assert run(service, "--json", *words.split()) == 0
    out, err = capsys.readouterr()
    assert (set(json.loads(out)) | {"warning"}, err) == (documented_keys()[command] | {"warning"}, "")
    if "drain" in words:
        assert run(service, "drain", "--instance=all", "--undo") == 0


def test_stacks(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The stacks of both processes."""
    assert run(service, "stacks") == 0
    assert "MainThread" in capsys.readouterr().out


def test_drain(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One process may leave the service, not the last one; both come back."""
    assert run(service, "--json", "instances") == 0
    ids = [one["id"] for one in json.loads(capsys.readouterr().out)["instances"]]
    assert run(service, "drain", "--instance", ids[0], "--reason=INC-42") == 0
    assert ids[0] in capsys.readouterr().out
    assert run(service, "instances") == 10
    capsys.readouterr()
    assert run(service, "--json", "instances") == 10
    found = {one["id"]: one.get("drain") for one in json.loads(capsys.readouterr().out)["instances"]}
    assert found[ids[0]]["reason"] == "INC-42"
    assert run(service, "drain", "--instance", ids[1]) == 5
    assert "409" in capsys.readouterr().err
    assert run(service, "drain", "--instance", "all", "--undo") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("levels", "app", "LOUD"), 5, "level: "),
        (("levels", "--end"), 2, "NAME is missing"),
        (("levels", "app", "DEBUG", "--end"), 2, "exclude each other"),
        *((("levels", name, "DEBUG"), 2, "No URL can have this NAME") for name in ("a/b", "..", ".", "")),
        (("levels", "..", "--end"), 2, "No URL can have this NAME"),
        (("levels", "app", "DEBUG", "--ttl=soon"), 5, "ttl: "),
        (("stacks", "--instance", "left:1:abc"), 5, "404 from /c2c/debug/stacks: "),
        (("nonsense",), 2, "No such command"),
        (("drain", "--seconds=many"), 2, "seconds"),
    ],
)
def test_bad_input(
    service: str, arguments: tuple[str, ...], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what is wrong."""
    assert run(service, *arguments) == code
    error = capsys.readouterr().err
    assert text in error.splitlines()[-1]
    assert "Traceback" not in error


def test_secrets(service: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret the state alone is shown; a wrong one is refused and not repeated."""
    monkeypatch.delenv("C2C_SECRET")
    assert run(service, "health") == 0
    capsys.readouterr()
    assert run(service, "instances") == 6
    (line,) = capsys.readouterr().err.splitlines()
    assert "this needs a sign-in: set C2C_SECRET" in line
    monkeypatch.setenv("C2C_SECRET", "wrong-and-hidden")
    assert run(service, "instances") == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "wrong-and-hidden" not in line
    monkeypatch.delenv("C2C_SECRET")
    monkeypatch.setenv("C2C__AUTH__SECRET", SECRET)
    assert run(service, "instances") == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/c2c", 3),
        ("http://nothing.invalid/c2c", 3),
        ("ftp://127.0.0.1/c2c", 2),
        ("127.0.0.1:8080", 2),
        ("", 2),
    ],
)
def test_wrong_urls(url: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An unreachable service and a wrong URL have their own codes, and one line."""
    assert run(url, "health") == code
    assert capsys.readouterr().err.count("\n") == 1
