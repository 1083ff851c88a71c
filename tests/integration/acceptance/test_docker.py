"""Docker compose, played by a program that records its arguments."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from c2casgiutils.acceptance import Composition, DockerCompose

DOCKER = """#!{python}
import json, os, sys, time
with open(os.environ["RECORD"], "a") as record:
    record.write(json.dumps([sys.argv[1:], os.environ.get("VERSION")]) + "\\n")
for command, (text, code) in json.loads(os.environ["ANSWERS"]).items():
    if command in sys.argv:
        if text == "hang":
            time.sleep(60)
        print(text)
        print("from docker", file=sys.stderr)
        sys.exit(code)
"""


class Docker:
    """The fake docker."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._record = folder / "record"
        program = folder / "bin/docker"
        program.parent.mkdir()
        program.write_text(DOCKER.format(python=sys.executable))
        program.chmod(0o755)
        patch.setenv("PATH", str(program.parent))
        patch.setenv("RECORD", str(self._record))
        self.answer()
        self.file = folder / "compose.yaml"
        self.file.write_text("services: {}\n")

    def answer(self, **answers: tuple[str, int]) -> None:
        self._patch.setenv("ANSWERS", json.dumps(answers))

    def calls(self) -> list[Any]:
        return [json.loads(line) for line in self._record.read_text().splitlines()]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    return Docker(tmp_path, monkeypatch)


def test_a_project_of_its_own(docker: Docker) -> None:
    """The services are started until they are healthy, and all is removed in the end."""
    compose = DockerCompose(docker.file, services=["web", "db"], env={"VERSION": "1"}, timeout=20)
    with compose:
        pass
    own = ["compose", "--project-name", compose.project, "--file", str(docker.file)]
    up = ["up", "--detach", "--wait", "--wait-timeout", "20", "web", "db"]
    down = ["down", "--volumes", "--remove-orphans", "--timeout", "10"]
    assert docker.calls() == [[[*own, *up], "1"], [[*own, *down], "1"]]
    assert DockerCompose(docker.file).project != compose.project


def test_commands(docker: Docker) -> None:
    """A command in a container, the address of a port, and any subcommand."""
    docker.answer(exec=("hello", 0), port=("0.0.0.0:49153", 0), ps=("web", 0))
    compose = DockerCompose(docker.file)
    assert compose.exec("web", "echo", "hello") == "hello\n"
    assert compose.address("web", 8080) == "127.0.0.1:49153"
    assert compose.run("ps", "--all") == "web\n"
    assert [call[0][5:] for call in docker.calls()] == [
        ["exec", "--no-TTY", "web", "echo", "hello"],
        ["port", "web", "8080"],
        ["ps", "--all"],
    ]


@pytest.mark.parametrize(("answer", "address"), [("[::]:80", "127.0.0.1:80"), (":0", None), ("", None)])
def test_published_ports(docker: Docker, answer: str, address: str | None) -> None:
    docker.answer(port=(answer, 0))
    compose = DockerCompose(docker.file)
    if address:
        assert compose.address("web", 8080) == address
        return
    with pytest.raises(AssertionError, match="port 8080 of the service web is not published"):
        compose.address("web", 8080)


def test_a_failing_command(docker: Docker) -> None:
    """The message has the exit code and the output."""
    docker.answer(exec=("no such file", 2))
    with pytest.raises(AssertionError) as raised:
        DockerCompose(docker.file).exec("web", "cat", "file")
    expected = "docker compose exec --no-TTY web cat file: ended with 2\nno such file\nfrom docker\n"
    assert str(raised.value) == expected


def test_a_command_that_hangs(docker: Docker) -> None:
    docker.answer(exec=("hang", 0))
    with pytest.raises(AssertionError, match=r"exec --no-TTY web sleep: did not end within 0\.3 s"):
        DockerCompose(docker.file).exec("web", "sleep", timeout=0.3)


def test_services_that_do_not_start(docker: Docker) -> None:
    """The message has what docker and the services said, and all is removed."""
    docker.answer(up=("unhealthy", 1), logs=("the reason", 0))
    with (
        pytest.raises(
            AssertionError, match=r"(?s)tiles did not start: .*unhealthy.*--- tiles ---\nthe reason"
        ),
        Composition({"tiles": DockerCompose(docker.file)}),
    ):
        pass
    assert docker.calls()[-1][0][5] == "down"


def test_nothing_is_left_without_a_composition(docker: Docker) -> None:
    docker.answer(up=("unhealthy", 1))
    with pytest.raises(AssertionError, match="unhealthy"), DockerCompose(docker.file):
        pass
    assert docker.calls()[-1][0][5] == "down"


def test_no_docker(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"docker is missing: apt-get install --yes docker\.io"):
        DockerCompose(docker.file)


def test_no_file() -> None:
    with pytest.raises(ValueError, match=r"file must be a compose file: none\.yaml does not exist"):
        DockerCompose("none.yaml")
