"""The demo is the rendered scaffold plus marked parts; the options of the scaffold are checked."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from jsonschema import ValidationError  # type: ignore[import-untyped]  # it brings no types

from c2casgiutils.config import Settings
from tests.support import manifests
from tests.support.wheels import make_wheel

_ROOT = Path(__file__).parents[1]
_APP = _ROOT / "acceptance_tests/app"
_OPTIONS = json.loads((_ROOT / "scaffold/cookiecutter.json").read_text())
_OF_THE_DEMO = {"__init__.py", "__main__.py", "app/demo.py"}
_MARKED = re.compile(r"\n*# demo: begin\n.*?# demo: end\n", re.DOTALL)


def render(folder: Path, **options: str) -> Path:
    """Render the scaffold, without the user's configuration of cookiecutter and its folders in HOME."""
    own = {name: str(folder.parent / name) for name in ("cookiecutters_dir", "replay_dir")}
    template = str(_ROOT / "scaffold")
    return Path(
        cookiecutter(
            template, no_input=True, output_dir=str(folder), extra_context=options, default_config=own
        )
    )


def tracked(folder: Path) -> set[str]:
    """The files of a folder that are, or would be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."]
    if not (_ROOT / ".git").exists():  # an exported tree
        return files(folder)
    return set(subprocess.check_output(command, cwd=folder, text=True).split()) & files(folder)


def files(folder: Path) -> set[str]:
    """All files of a folder."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {str(path) for path in found if "__pycache__" not in path.parts and path.suffix != ".db"}


def test_rendering_without_a_home(tmp_path: Path) -> None:
    """A user without a writable home directory, as in many containers, can render it."""
    code = f"from acceptance_tests.test_scaffold import *; render(Path({str(tmp_path / 'out')!r}))"
    environment = {**os.environ, "HOME": os.devnull}  # what even root cannot write below
    subprocess.run([sys.executable, "-c", code], cwd=_ROOT, env=environment, check=True, timeout=120)
    assert (tmp_path / "out").is_dir()


def test_the_demo_is_the_rendered_scaffold(tmp_path: Path) -> None:
    """To mend it, change both: the template and the demo."""
    rendered = render(tmp_path, project_slug="app", project_description="Demo")
    assert tracked(_APP) - _OF_THE_DEMO == files(rendered)
    for name in sorted(files(rendered)):
        ours = _MARKED.sub("\n", (_APP / name).read_text()).rstrip("\n")
        assert ours == (rendered / name).read_text().rstrip("\n"), f"{name} differs"


@pytest.mark.parametrize("github_auth", _OPTIONS["github_auth"])
@pytest.mark.parametrize("database", _OPTIONS["database"])
def test_manifests(tmp_path: Path, database: str, github_auth: str) -> None:
    """Kustomize renders all manifests; they are valid, and select the same pods."""
    options = {"database": database, "github_auth": github_auth}
    folder = render(tmp_path, project_slug="my_project", **options) / "deploy/kubernetes"
    found = {manifest["kind"]: manifest for manifest in manifests.render(folder)}
    assert sorted(f"{kind.lower()}.yaml" for kind in [*found, "Kustomization"]) == sorted(files(folder))
    label = {"app.kubernetes.io/name": "my-project"}
    for manifest in found.values():
        assert manifest["metadata"] == {"name": "my-project", "labels": label}
    pod = found["Deployment"]["spec"]["template"]
    assert pod["metadata"]["labels"] == label
    manifests.assert_times_fit(pod["spec"], Settings().drain_wait.total_seconds())
    assert [one["name"] for one in pod["spec"].get("initContainers", [])] == (
        [] if database == "none" else ["migrate"]
    )
    (container,) = pod["spec"]["containers"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in found["Service"]["spec"]["ports"]} == ports
    assert {one["port"] for one in found["ServiceMonitor"]["spec"]["endpoints"]} <= ports
    selectors = (
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        found["ServiceMonitor"]["spec"]["selector"]["matchLabels"],
    )
    assert [selector for selector in selectors if selector != label] == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("kustomization.yaml", "resources:", "resource:"),
        ("kustomization.yaml", "kind: Kustomization", "kind: Customization"),
        ("kustomization.yaml", "service.yaml", "services.yaml"),
        ("servicemonitor.yaml", "interval:", "intervals:"),
        ("servicemonitor.yaml", "30s", "30 seconds"),
        ("servicemonitor.yaml", "  selector:", "  selectors:"),
        ("servicemonitor.yaml", "coreos.com/v1", "coreos.com/v2"),
        ("deployment.yaml", "preStop:", "prestop:"),
        ("deployment.yaml", "periodSeconds: 2", "periodSeconds: often"),
        ("networkpolicy.yaml", "podSelector:", "podSelectors:"),
    ],
)
def test_broken_manifests(tmp_path: Path, file: str, old: str, new: str) -> None:
    """What checks the manifests refuses a wrong field, a wrong value and a missing file."""
    folder = tmp_path / "kubernetes"
    shutil.copytree(_APP / "deploy/kubernetes", folder)
    manifests.render(folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises((subprocess.CalledProcessError, ValidationError)):
        manifests.render(folder)


def test_the_logging_configuration_is_the_packaged_one() -> None:
    """No third version of it to keep."""
    rendered = _ROOT / "scaffold/{{cookiecutter.project_slug}}/logging.yaml"
    assert rendered.read_text() == (_ROOT / "c2casgiutils/logging.yaml").read_text()


def test_the_tests_of_a_rendered_project_pass(tmp_path: Path) -> None:
    """With the options that are not the default; `make scaffold OPTIONS=all` shows each combination."""
    options = {"database": "postgresql", "github_auth": "yes"}
    project = render(tmp_path, **options, project_slug="one_project", project_description='A "b" \\d')
    assert len((project / "one_project/main.py").read_text().splitlines()) <= 60
    env = {name: value for name, value in os.environ.items() if not name.startswith(("C2C__", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-W", "error"],
        cwd=project,
        env={**env, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


_DEPENDENCIES = ("c2casgiutils", "fastapi", "uvicorn", "aiosqlite", "pytest", "pytest-asyncio")


class LockedProject:
    """A rendered project whose index is a folder of made-up releases, with the uv of this environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = render(folder / "project")
        self.index = folder / "index"
        self.index.mkdir()
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=self.folder, check=True, timeout=60
        )
        (self.folder / ".venv/bin/uv").symlink_to(Path(sys.executable).parent / "uv")

    def release(self, version: str) -> None:
        """Put a release of each dependency on the index."""
        for name in _DEPENDENCIES:
            make_wheel(self.index, name, version, extras=("all", "standard"))

    def make(self, *arguments: str) -> str:
        """Run make and return what it prints."""
        others = ("UV_", "PIP_", "MAKE")
        env = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        own = {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(self.index), "UV_NO_CACHE": "1", "UV_NO_CONFIG": "1"}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={**env, **own},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def locked(self, name: str = "requirements-dev.lock") -> dict[str, str]:
        """Return the versions of a lock."""
        return dict(re.findall(r"^(\S+)==(\S+)", (self.folder / name).read_text(), re.MULTILINE))

    def installed(self) -> dict[str, str]:
        """Return the versions in the environment."""
        code = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        command = [".venv/bin/python", "-I", "-c", code]
        printed = subprocess.check_output(command, cwd=self.folder, text=True, timeout=60)
        return dict(item.split("==") for item in printed.split())


def test_a_newer_release_changes_nothing_in_a_locked_project(tmp_path: Path) -> None:
    """The first start locks, with hashes; then only `make lock UPGRADE=1` takes a newer release."""
    project = LockedProject(tmp_path)
    project.release("1000.0")
    project.make("install")
    first = dict.fromkeys(_DEPENDENCIES, "1000.0")
    assert project.locked() == project.installed() == first
    assert project.locked("requirements.lock") == {
        name: "1000.0" for name in _DEPENDENCIES if not name.startswith("pytest")
    }
    assert (project.folder / "requirements.lock").read_text().count("--hash=sha256:") == 4
    project.release("2000.0")
    (project.folder / "pyproject.toml").touch()
    project.make("install")
    project.make("lock")
    project.make("install")
    assert project.locked() == project.installed() == first
    project.make("lock", "UPGRADE=1")
    project.make("install")
    assert project.locked() == project.installed() == dict.fromkeys(_DEPENDENCIES, "2000.0")


def test_the_image_needs_the_lock(tmp_path: Path) -> None:
    """Without it the build ends with the remedy; `make build` creates it first."""
    project = LockedProject(tmp_path)
    project.release("1000.0")
    commands = re.findall(r"^RUN (test .*)$", (project.folder / "Dockerfile").read_text(), re.MULTILINE)
    assert len(commands) == 1
    done = subprocess.run(
        ["sh", "-c", commands[0]], cwd=project.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "requirements.lock is missing: run make lock\n")
    project.make("requirements.lock")
    assert subprocess.run(["sh", "-c", commands[0]], cwd=project.folder, check=False).returncode == 0
    assert project.make("--dry-run", "build").startswith("docker build")


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        pytest.param("MyProject", "lower case letters", id="upper case"),
        pytest.param("my-project", "lower case letters", id="hyphen"),
        pytest.param("my project", "lower case letters", id="blank"),
        pytest.param("1project", "lower case letters", id="digit first"),
        pytest.param("projét", "lower case letters", id="not ASCII"),
        pytest.param('x"; import os', "lower case letters", id="quote"),
        pytest.param("project_", "no _ at the end", id="underscore at the end"),
        pytest.param("class", "word of Python", id="keyword"),
        pytest.param("json", "a Python package of this name", id="standard library"),
        pytest.param("fastapi", "a Python package of this name", id="dependency"),
    ],
)
def test_a_name_that_cannot_be_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], slug: str, problem: str
) -> None:
    """It is refused with the reason, and nothing is written."""
    with pytest.raises(FailedHookException):
        render(tmp_path, project_slug=slug)
    assert problem in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
