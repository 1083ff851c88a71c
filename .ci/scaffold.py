"""Render the scaffold, install the built wheel beside it, and run the project as its owners will.

For each combination of options: linters, the project's own tests, migrations, two uvicorn workers on a real
Redis (and PostgreSQL), probes, a log level in both workers, their metrics, an exception at a Sentry, a clean
stop.
"""
# ruff: noqa: S101, S603, T201, TID251, INP001, PLR2004  # a gate, like a test

import argparse
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # instead of this folder, whose tests.py would come before the folder of the tests

from tests.support.fake_sentry import FakeSentry  # noqa: E402  after the path
from tests.support.net import free_port, wait_for  # noqa: E402  the same
from tests.support.postgres import PostgresServer  # noqa: E402  the same
from tests.support.processes import Process, RedisServer  # noqa: E402  the same

SLUG = "my_project"
SECRET = "secret-of-the-gate"  # noqa: S105  made up
WRAPPER = f"""
from {SLUG}.main import app

@app.get("/fail")
async def fail() -> None:
    raise RuntimeError("for Sentry")
"""
DATABASES = ("sqlite", "postgresql", "none")
GITHUB_AUTH = ("no", "yes")


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a program; its output is shown when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def tool(name: str) -> str:
    """A program of the development dependencies."""
    path = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return path or sys.exit(f"{name} is missing: make setup")


def locked_versions() -> str:
    """The versions of our lock, without the hashes."""
    pattern = r"^([A-Za-z0-9._-]+(?:\[[^]]*\])?==[^ \\]+)((?: ;[^\\\n]*)?)"
    lines = re.findall(pattern, (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return "".join(f"{version}{marker.rstrip()}\n" for version, marker in lines)


class Gate:
    """One environment for all renderings, made by their Makefile from the wheel and our versions."""

    def __init__(self, folder: Path) -> None:
        wheels = sorted((ROOT / "dist").glob("c2casgiutils-*.whl"))
        if len(wheels) != 1:
            sys.exit(f"one wheel is expected in dist, not {len(wheels)}: make wheel")
        self.folder = folder
        self.venv = folder / "venv"
        # The wheel is found as a newer release on the registry would be.
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("C2C__", "PYTHON"))},
            "UV_FIND_LINKS": str(ROOT / "dist"),
            "UV_LINK_MODE": "copy",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "VENV": str(self.venv),
        }

    def render(self, database: str, github_auth: str) -> Path:
        """Render into a folder of its own."""
        output = self.folder / f"{database}-{github_auth}"
        options = [f"project_slug={SLUG}", f"database={database}", f"github_auth={github_auth}"]
        run(
            tool("cookiecutter"),
            "--no-input",
            "--output-dir",
            output,
            ROOT / "scaffold",
            *options,
            cwd=self.folder,
        )
        return output / SLUG

    def lint(self, project: Path) -> None:
        """Check the Dockerfile, the compose files, the YAML and the style."""
        run(tool("hadolint"), "Dockerfile", cwd=project)
        schema = ("--builtin-schema", "vendor.compose-spec")
        run(tool("check-jsonschema"), *schema, *sorted(project.glob("compose*.yaml")), cwd=project)
        run(tool("yamllint"), "--strict", "--config-file", ROOT / ".yamllint.yaml", ".", cwd=project)
        run(tool("ruff"), "check", ".", cwd=project)
        run(tool("ruff"), "format", "--check", ".", cwd=project)
        run(
            tool("mypy"), "--config-file=", "--python-executable", self.venv / "bin/python", SLUG, cwd=project
        )
        # `requirements.lock*`, so that the build can say itself that it is missing.
        copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (project / "Dockerfile").read_text(), re.MULTILINE)
        sources = {source for line in copied for source in line.replace("*", "").split()}
        kept = set(re.findall(r"^!(.*)$", (project / ".dockerignore").read_text(), re.MULTILINE))
        if not sources or sources != kept or not all((project / source).exists() for source in sources):
            sys.exit(f"the Dockerfile copies {sorted(sources)}, .dockerignore keeps {sorted(kept)}")
        lines = len((project / SLUG / "main.py").read_text().splitlines())
        if lines > 60:
            sys.exit(f"main.py has {lines} lines, at most 60 are wanted")

    def install_and_test(self, project: Path) -> None:
        """Run the project's own tests in the environment that its Makefile creates."""
        # `make lock` keeps these versions and leaves out what the project does not need.
        for name in ("requirements.lock", "requirements-dev.lock"):
            (project / name).write_text(locked_versions())
        run("make", "lock", cwd=project, env=self.env)
        run("make", "test", cwd=project, env=self.env)
        run("make", "test", cwd=project, env={**self.env, "UV_OFFLINE": "1"})  # locked: nothing is fetched
        pip = (self.venv / "bin/python", "-m", "pip")
        install = (*pip, "install", "--dry-run", "--no-deps", "--require-hashes")  # as the Dockerfile does
        run(*install, "--requirement", "requirements.lock", cwd=project, env=self.env)
        run(*pip, "check", cwd=project, env=self.env)
        code = "import c2casgiutils as c; print(c.__version__, c.__file__)"
        version, file = run(self.venv / "bin/python", "-c", code, cwd=project, env=self.env).split()
        expected = re.search(r'__version__ = "(.*)"', (ROOT / "c2casgiutils/__init__.py").read_text())
        if expected is None or version != expected[1] or not Path(file).is_relative_to(self.venv):
            sys.exit(f"another c2casgiutils is installed: {version} in {file}")
        run(self.venv / "bin/c2casgiutils-genversion", "1.2.3", "0a1b2c3", cwd=project, env=self.env)

    def serve_by_make(self, project: Path) -> None:
        """Start it as the README of the project says, without anything around it."""
        port = free_port()
        env = {**self.env, "PORT": str(port), "C2C__PROMETHEUS__PORT": "0"}
        with Process(["make", "serve"], env=env, cwd=project) as process:

            def is_up() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return httpx.get(f"http://127.0.0.1:{port}/c2c/livez", timeout=5).status_code == 200
                return False

            try:
                wait_for(is_up, seconds=60, what="make serve")
            except AssertionError as error:
                sys.exit(f"{error}\n{process.output}")

    @contextlib.contextmanager
    def serve(self, project: Path, redis: RedisServer, sentry: FakeSentry) -> Iterator["Service"]:
        """Start two workers with the flags of the Makefile and of the image."""
        port, metrics_port = free_port(), free_port()
        metrics = project / "metrics"
        metrics.mkdir()
        env = {
            **self.env,
            "C2C__AUTH__SECRET": SECRET,
            "C2C__REDIS__URL": redis.url,
            "C2C__REDIS__BROADCAST_PREFIX": f"{project.parent.name}_",
            "C2C__PROMETHEUS__PORT": str(metrics_port),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "C2C__SENTRY__DSN": sentry.dsn,
        }
        (project / "gate.py").write_text(WRAPPER)
        command = [
            *(str(self.venv / "bin/python"), "-m", "uvicorn", "gate:app"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "2"),
            *("--log-config", "logging.yaml", "--no-proxy-headers"),
        ]
        with Process(command, env=env, cwd=project) as process:
            yield Service(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}")


class Service:
    """The rendered project, running."""

    def __init__(self, process: Process, url: str, metrics_url: str) -> None:
        self.process = process
        self.metrics_url = metrics_url
        self.client = httpx.Client(base_url=url, headers={"X-API-Key": SECRET}, timeout=10)

    def show(self, sentry: FakeSentry, *, has_database: bool) -> None:
        """Go through what a service must do; any difference ends the gate."""
        wait_for(self._is_ready, seconds=60, what=f"two workers\n{self.process.output}")
        self._expect("/livez", 200)
        health = self._expect("/health_checks", 200)
        wanted = {"Redis", *(("db_default_read_write", "alembic_default_read_write") if has_database else ())}
        assert wanted <= {entity["name"] for entity in health["entities"]}, health
        assert self._expect("/versions.json", 200)["main"] == {"git_hash": "0a1b2c3", "git_tag": "1.2.3"}
        answer = self.client.post("/c2c/logging/level", json={"name": SLUG, "level": "DEBUG"}).json()
        assert answer["cluster"]["answered"] == 2, answer
        self._show_metrics()
        assert self.client.get("/fail").status_code == 500
        event = sentry.wait_for_events()[-1]
        assert event["exception"]["values"][-1]["value"] == "for Sentry", event
        assert event["release"] == "1.2.3", event["release"]
        assert SECRET.encode() not in sentry.raw, "the secret went to Sentry"
        self._stop()

    def _is_ready(self) -> bool:
        assert self.process.process is not None
        if self.process.process.poll() is not None:
            sys.exit(f"the service did not start\n{self.process.output}")
        try:
            roster = self.client.get("/c2c/instances")
            return self.client.get("/c2c/readyz").status_code == 200 and len(roster.json()["instances"]) == 2
        except httpx.TransportError:
            return False

    def _expect(self, path: str, status: int) -> dict[str, Any]:
        response = self.client.get(f"/c2c{path}")
        assert response.status_code == status, f"{path}: {response.status_code} {response.text}"
        return dict(response.json()) if "json" in response.headers["content-type"] else {}

    def _show_metrics(self) -> None:
        """The port and the view show both workers, and the requests of both are summed up."""
        for text in (httpx.get(self.metrics_url, timeout=10).text, self.client.get("/c2c/metrics").text):
            samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
            pids = {sample.labels.get("pid") for sample in samples if sample.name.endswith("process_threads")}
            assert len(pids) == 2, f"metrics of {pids}"
            build = [sample.labels for sample in samples if sample.name == "c2casgiutils_build_info"]
            assert build == [{"git_hash": "0a1b2c3", "git_tag": "1.2.3", "service": "A service"}], build
            assert any(sample.labels.get("handler") == "/c2c/health_checks" for sample in samples), text

    def _stop(self) -> None:
        self.client.close()
        started = time.monotonic()
        code = self.process.terminate(30)
        output = self.process.output
        assert code == 0, f"ended with {code}\n{output}"
        assert time.monotonic() - started < 20, "it took too long to stop"
        assert output.count("Application shutdown complete") == 2, output
        complaint = re.search(
            r"never awaited|was destroyed|ResourceWarning|Exception ignored|No metrics", output
        )
        assert complaint is None, output
        assert output.count("Traceback") == 1, output  # the one that was provoked


def show(gate: Gate, database: str, github_auth: str) -> None:
    """Show one combination of options."""
    started = time.monotonic()
    project = gate.render(database, github_auth)
    gate.install_and_test(project)
    gate.lint(project)
    with contextlib.ExitStack() as servers:
        redis = servers.enter_context(RedisServer())
        sentry = servers.enter_context(FakeSentry())
        if database == "postgresql":
            gate.env["C2C__DB__URL"] = servers.enter_context(PostgresServer()).url("postgresql")
        elif database == "sqlite":
            gate.env["C2C__DB__URL"] = f"sqlite:///{SLUG}.db"
        if database != "none":
            run("make", "migrate", cwd=project, env=gate.env)
        gate.serve_by_make(project)
        service = servers.enter_context(gate.serve(project, redis, sentry))
        service.show(sentry, has_database=database != "none")
        assert len(sentry.events) == 1, sentry.events
        assert sentry.problems == [], sentry.problems
    gate.env.pop("C2C__DB__URL", None)
    print(
        f"scaffold: database={database} github_auth={github_auth}: ok in {time.monotonic() - started:.0f} s",
        flush=True,
    )


def main() -> None:
    """Show the default options or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--options", choices=["default", "all"], default="default")
    options = parser.parse_args().options
    chosen = list(itertools.product(DATABASES, GITHUB_AUTH))
    defaults = json.loads((ROOT / "scaffold/cookiecutter.json").read_text())
    if options == "default":
        chosen = [(defaults["database"][0], defaults["github_auth"][0])]
    with tempfile.TemporaryDirectory(prefix="c2casgiutils-scaffold-") as folder:
        gate = Gate(Path(folder))
        for database, github_auth in chosen:
            show(gate, database, github_auth)


if __name__ == "__main__":
    main()
