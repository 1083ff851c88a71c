"""The tutorial, word for word: in an empty directory, from the installation to the end."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from tests.support.net import wait_for
from tests.support.processes import binary
from tests.support.wheels import pack

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/tutorial.md").read_text()
PORTS = (6380, 8080, 9000)
"""Those of the text, and that of the metrics."""
SOURCES = ("pyproject.toml", "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "c2casgiutils")
_WITH_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket() as one:
    fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
os.execvp(sys.argv[1], sys.argv[1:])
"""


def with_ports_of_its_own() -> list[str]:
    """Return what comes before a command whose ports are those of no other process.

    Where the system allows no namespace for them, they must be free.
    """
    options = ["--net"] if os.geteuid() == 0 else ["--map-root-user", "--net"]
    prefix = [binary("unshare", "util-linux"), *options, sys.executable, "-c", _WITH_LOOPBACK]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    wait_for(
        are_free, what=f"the ports {PORTS} of the tutorial are used by another process: that they are free"
    )
    return []


def are_free() -> bool:
    """Return whether nobody listens on the ports."""
    for port in PORTS:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return False
    return True


def origin(folder: Path) -> Path:
    """Return a repository with this checkout, in place of the public one."""
    folder.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    author = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    for command in (("init", "--quiet"), ("add", "."), (*author, "commit", "--quiet", "--message=all")):
        subprocess.run(["git", "-C", folder, *command], check=True, timeout=60)
    return folder


def clean_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which git and pip find what this machine has, and no other setting."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheels, programs = folder / "wheels", folder / "bin"
    wheels.mkdir()
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.executable).resolve())  # the wheels are for this version
    (package,) = re.findall(r"pip install '\./(\S+)'", TEXT)
    pack(wheels, package, *project["build-system"]["requires"])
    next(wheels.glob("c2casgiutils-*")).unlink()  # it is installed from its sources
    others = [
        path for path in os.environ["PATH"].split(os.pathsep) if path != str(Path(sys.executable).parent)
    ]
    unwanted = ("C2C", "PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "GIT_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(programs), *others]),
        "HOME": str(folder),
        "COLUMNS": "200",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{origin(folder / 'origin')}.insteadOf",
        "GIT_CONFIG_VALUE_0": project["project"]["urls"]["Repository"],
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_INDEX": "1",
    }


def test_tutorial(tmp_path: Path, record_property: Callable[[str, str], None]) -> None:
    """Its commands lead to two processes, a level in both, and a process that is named as lost."""
    binary("redis-server", "redis-server")
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    env = clean_environment(tmp_path / "home")
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "work/main.py").write_text(program)
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    script = "".join(blocks)
    shell = ("bash", "-e", "-c", f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}")
    prefix = with_ports_of_its_own()
    started = time.monotonic()
    done = subprocess.run(
        [*prefix, *shell],
        cwd=tmp_path / "work",
        env=env,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    seconds = time.monotonic() - started
    shown = done.stdout + done.stderr
    log = tmp_path / "work/server.log"
    assert done.returncode == 0, shown + (log.read_text() if log.exists() else "")
    assert "The service is ok." in shown
    assert shown.count("ready") >= 2
    assert "2 of 2 processes have it." in shown
    assert '["one","two"]' in shown
    assert "exit code 10\n" in shown
    assert "lost" in shown
    assert "reading the orders" in log.read_text()
    assert "Traceback" not in shown + log.read_text()
    commands = len(script.splitlines())
    record_property("summary", f"the tutorial: {commands} commands in {seconds:.0f} s, the installation too")
    for _ in blocks:
        record_property("documentation", "shell blocks run")
