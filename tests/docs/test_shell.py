"""The commands of the README and of docs/ run against a service of two processes, in an empty folder."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import httpx
import pytest

from tests.support.net import wait_for
from tests.support.pages import ROOT, Block, blocks
from tests.support.processes import RedisServer, Uvicorn

SECRET = "s3cret-of-the-documentation"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVERS = "tests/integration/servers/test_servers.py starts it"
NOT_RUN = {
    "git": "clones what is published",
    "pip": ".ci/test-wheel installs the wheel and each extra",
    "make": "a step of .ci/run",
    "cookiecutter": ".ci/scaffold.py renders it",
    "kubectl": "acceptance_tests/test_scaffold.py checks the manifests",
    "systemctl": "tests/docs/test_systemd.py checks the unit",
    "journalctl": "reads the journal of systemd",
    "coverage": "measures a server that starts",
    "uvicorn": SERVERS,
    "gunicorn": SERVERS,
    "hypercorn": SERVERS,
    "granian": SERVERS,
    "c2casgiutils-stats-db": "tests/integration/scripts/test_stats_db.py has the database",
    "c2casgiutils-test-print": "tests/integration/acceptance/test_print.py has the print server",
}
"""Programs whose blocks are checked only, with the reason."""
WITH_HELP = {
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "granian",
    "c2casgiutils-stats-db",
    "c2casgiutils-test-print",
}
# What is meant for a pod runs here; the codes of the command from 10 on tell the state of the service.
PRELUDE = """
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
kubectl() { while [ "$1" != -- ]; do shift; done; shift; "$@"; }
c2casgiutils() { command c2casgiutils "$@" || (( $? >= 10 )); }
"""
CURL = """
silent
show-error
max-time = 60
write-out = "%{stderr}HTTP %{http_code}\\n"
"""
SINKS = {"dot": "digraph", "flamegraph.pl": "[a-zA-Z]"}
"""Programs that a machine may lack, and how a line of their input starts."""
COMMAND = re.compile(
    r"^ *(?:\$ |sudo )*(?:curl|pip|make|git|uvicorn|python3?|c2casgiutils[-\w]*) [^=|]", re.MULTILINE
)
PROMPT = re.compile(r"^\$ (.*?[^\\]\n)", re.DOTALL | re.MULTILINE)
NAME = re.compile(r'"(\w+)":')


def script(block: Block) -> str:
    """Return the commands of a block: in a console what is after the prompts, with the lines that go on."""
    if block.language != "console":
        return block.code
    return "".join(PROMPT.findall(block.code))


def commands(block: Block) -> list[list[str]]:
    """Return the words of each command, without assignments before it."""
    code = re.sub(r"\\\n|(?:^|\s)#.*", " ", script(block), flags=re.MULTILINE)
    lexer = shlex.shlex(code, posix=True, punctuation_chars=";|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set(";|&\n"):
            found.append([])
        elif found[-1] or not re.match(r"\w+=|export$", word):
            found[-1].append(word)
    return [[Path(name).name, *arguments] for name, *arguments in map(inner, filter(None, found))]


def inner(words: list[str]) -> list[str]:
    """Return the command that another one runs."""
    if words[:3] == ["coverage", "run", "-m"]:
        return words[3:]
    return words[words.index("--") + 1 :] if words[:2] == ["kubectl", "exec"] else words


# The blocks of the tutorial depend on each other: test_tutorial.py runs them.
BLOCKS = [block for block in blocks("bash", "sh", "shell", "console") if block.page != "tutorial.md"]
RUN = [block for block in BLOCKS if not {words[0] for words in commands(block)} & NOT_RUN.keys()]
CHECKED = [block for block in BLOCKS if block not in RUN]


class Service:
    """The service, and a folder in which commands about it run.

    Args:
        folder: An empty one.
        server: Two processes.
        redis: What connects them.
        client: One for what the library mounts.
    """

    def __init__(self, folder: Path, server: Uvicorn, redis: RedisServer, client: httpx.Client) -> None:
        self._folder, self._server, self._client = folder, server, client
        mount = f"{server.url}/c2c"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("C2C", "PYTHON"))},
            "PATH": os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/docs")]),
            "CURL_HOME": str(folder),
            "C2C_URL": mount,
            "C2C_SECRET": SECRET,
            "C2C__REDIS__URL": redis.url,
        }
        (folder / ".curlrc").write_text(CURL)
        (folder / ".env").write_text("C2C_REDIS_URL=redis://redis\n")
        (folder / "docker-compose.yaml").write_text("services: {}\n")
        for name, start in SINKS.items():
            (folder / name).write_text(f"#!/bin/sh\ngrep --count '^{start}'\n")
            (folder / name).chmod(0o755)
        wait_for(lambda: len(self._ready()) == 2, what="two ready processes")
        self._placeholders = self._known()

    def _ready(self) -> list[str]:
        answer = self._client.get("/instances").json()
        return [item["id"] for item in answer["instances"] if item["state"] == "ready"]

    def _known(self) -> dict[str, str]:
        """Return what the placeholders of the pages stand for."""
        instance = self._ready()[0]
        profile = self._client.post("/debug/profile", json={"instance": instance, "seconds": 0.5})
        self._wait_for_profiles(profile.text)
        assert httpx.get(f"{self._server.url}/orders/13", timeout=60).status_code == 500
        follow = self._client.post("/logging/follow", json={"ttl": "1h", "logger": "app"}).json()
        return {
            "<id>": instance,
            "<profile>": profile.json()["id"],
            '"seconds": 30': '"seconds": 0.1',
            "<follow>": follow["id"],
            "<token>": follow["token"],
            "https://example.com": self._server.url,
            "http://localhost:8080": self._server.url,
            "http://tiles:8080": self._server.url,
        }

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run commands, after undoing what those before changed."""
        self._client.delete("/drain", params={"instance": "all"}).raise_for_status()
        self._client.delete("/db/maintenance").raise_for_status()
        for placeholder, value in self._placeholders.items():
            code = code.replace(placeholder, value)
        done = subprocess.run(
            ["bash", "-c", PRELUDE + code],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if re.search(r"/debug/profile\b(?!/)", code):
            self._wait_for_profiles(done.stdout)
        return done

    def _wait_for_profiles(self, answer: str) -> None:
        """Wait for the end of profiles, beside which a process makes no other costly diagnosis."""
        for profile in re.findall(r'"id":"([^"]*)"', answer):
            address = f"/debug/profile/{profile}"
            wait_for(partial(self._is_there, address), what="the profile")

    def _is_there(self, address: str) -> bool:
        return self._client.get(address).status_code == 200


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("documentation")
    with RedisServer() as redis:
        env = {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/docs")]),
            "C2C__AUTH__SECRET": SECRET,
            "C2C__HTTP": "True",
            "C2C__DEBUG__ENABLED": "True",
            "C2C__PROMETHEUS__PORT": "0",
            "C2C__REDIS__URL": redis.url,
            "C2C__DB__URL": f"sqlite:///{folder}/items.db",
        }
        options = ("--timeout-worker-healthcheck", "60")
        with (
            Uvicorn("app.main:app", *options, workers=2, cwd=folder, env=env) as server,
            httpx.Client(base_url=f"{server.url}/c2c", headers={"X-API-Key": SECRET}, timeout=60) as client,
        ):
            (folder / "empty").mkdir()
            yield Service(folder / "empty", server, redis, client)


@pytest.mark.parametrize("block", RUN, ids=str)
def test_commands_run(block: Block, service: Service, record_property: Callable[[str, str], None]) -> None:
    """Each command succeeds, no request is refused, and an answer has the names that are shown."""
    done = service.run(script(block))
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    failed = [status for status in re.findall(r"^HTTP (\d+)$", done.stderr, re.MULTILINE) if status >= "400"]
    assert failed == (["500"] if "/orders/13" in block.code else []), shown
    if block.language == "console":
        documented = PROMPT.sub("", block.code)
        assert set(NAME.findall(documented)) - set(NAME.findall(shown)) == set(), shown
    record_property("documentation", "shell blocks run")


@cache
def help_of(name: str) -> str:
    """Return what a program says about its options."""
    program = Path(sys.executable).with_name(name)
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("block", CHECKED, ids=str)
def test_commands_that_do_not_run(block: Block, record_property: Callable[[str, str], None]) -> None:
    """They are valid, and what they name is there: options, extras, targets, the repository."""
    subprocess.run(["bash", "-n", "-c", script(block)], check=True)
    for words in commands(block):
        name, arguments = words[0], words[1:]
        if name in WITH_HELP:
            used = {word.partition("=")[0] for word in arguments if word.startswith("--")}
            assert [option for option in used if not re.search(rf"{option}\b", help_of(name))] == []
        elif name == "pip":
            extras = re.findall(r"\[([\w,]+)\]", " ".join(arguments))
            named = {extra for several in extras for extra in several.split(",")}
            assert named <= PROJECT["optional-dependencies"].keys()
        elif name == "git":
            assert arguments[:2] == ["clone", PROJECT["urls"]["Repository"]]
        elif name == "make":
            assert re.search(f"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    record_property("documentation", "shell blocks checked only")


def test_reasons() -> None:
    """A program is left out for a reason that still holds: what it names exists, and so does a block."""
    named = {word for reason in NOT_RUN.values() for word in reason.split() if "/" in word}
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert NOT_RUN.keys() <= {words[0] for block in CHECKED for words in commands(block)}


def test_commands_are_in_blocks_of_the_shell() -> None:
    """No command escapes as plain text."""
    assert [str(block) for block in blocks("", "text") if COMMAND.search(block.code)] == []


def test_addresses_are_set_where_they_are_used() -> None:
    """Whoever opens a page at night can copy its commands without looking for what a variable stands for."""
    used = {block.page for block in BLOCKS if "$C2C_URL" in block.code}
    assert len(used) >= 5
    assert used - {block.page for block in BLOCKS if "export C2C_URL=" in block.code} == set()
