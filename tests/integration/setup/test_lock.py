"""`make setup` installs the lock and nothing else, whatever is released later, with any pip of Python."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.wheels import make_wheel

_ROOT = Path(__file__).parents[3]
# Those that the first release of each Python bundles.
_OLDEST_PIP = {11: "22.3", 12: "23.2.1", 13: "24.2", 14: "25.2"}[sys.version_info.minor]
_NEWEST_PIP = "26.3"
# As in the real lock, a package that asks for an extra of another one, which pip before 23.3 resolves again.
_LOCKED = {
    "coverage": (),
    "pytest-cov": ("coverage[toml]>=1",),
    "sqlalchemy": ("greenlet>=1",),
    "greenlet": (),
    "uvicorn": (),
}
_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
_BACKEND = """
import shutil

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    shutil.copy("{wheel}", wheel_directory)
    return "{wheel}"
"""

# An environment with a certain pip; to unpack it takes a tenth of the time that it needs to install itself.
_PYTHON = """#!/bin/sh
[ "$2" = venv ] || exec "{python}" "$@"
"{python}" "$@" --without-pip && "{python}" -m zipfile --extract "{pip}" .venv/lib/python3*/site-packages
"""


class Checkout:
    """A small project with our Makefile and scripts, a lock, and a folder in place of the index."""

    def __init__(self, folder: Path, pip: Path) -> None:
        self.folder = folder / "checkout"
        self.index = folder / "index"
        self.index.mkdir()
        shutil.copytree(_ROOT / ".ci", self.folder / ".ci")
        shutil.copy(_ROOT / "Makefile", self.folder)
        self.write_lock(_LOCKED)
        self.require()
        python = folder / "python"
        python.write_text(_PYTHON.format(python=sys.executable, pip=pip))
        python.chmod(0o755)
        self.env = {
            # what `make test` adds would let the inner make name its directories
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("PIP_", "MAKE", "MFLAGS"))
            },
            "PYTHON": str(python),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index),
            "PIP_NO_COMPILE": "1",
        }

    def write_lock(self, packages: dict[str, tuple[str, ...]], *, uv: str = "") -> None:
        """Lock the packages in version 1.0, and maybe a program `uv`, beside made-up newer releases."""
        lock = ""
        for name, requires in packages.items():
            lock += self._locked(make_wheel(self.index, name, "1.0", requires=requires, extras=("toml",)))
            make_wheel(self.index, name, "2.0", requires=requires, extras=("toml",))
        if uv:
            lock += self._locked(make_wheel(self.index, "uv", "1.0", scripts={"uv": uv}))
        (self.folder / "requirements.lock").write_text(lock)

    @staticmethod
    def _locked(wheel: Path) -> str:
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{digest}\n    # via project\n"

    def require(self, *requirements: str) -> None:
        """Write the project, which asks for these packages."""
        wheel = make_wheel(self.folder, "project", "0.1", requires=requirements).name
        (self.folder / "backend.py").write_text(_BACKEND.format(wheel=wheel))
        (self.folder / "pyproject.toml").write_text(f"{_PYPROJECT}# {' '.join(requirements)}\n")

    def setup(self) -> subprocess.CompletedProcess[str]:
        """Run `make setup`."""
        command = ["make", "setup"]
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300, check=False
        )

    def installed(self) -> dict[str, str]:
        """Return the versions in the environment, without pip and what old versions of `venv` add."""
        command = [".venv/bin/python", "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
        printed = subprocess.check_output(command, cwd=self.folder, env=self.env, text=True)
        versions = dict(line.split("==") for line in printed.split())
        return {name: versions[name] for name in versions.keys() - {"pip", "setuptools", "wheel"}}


def pip_wheel(version: str) -> Path:
    """Return the wheel of a version of pip; it is downloaded once."""
    folder = _ROOT / ".cache/pip"
    wheel = folder / f"pip-{version}-py3-none-any.whl"
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={folder}"]
        subprocess.run([*command, f"pip=={version}"], check=True, timeout=300)
    return wheel


@pytest.mark.parametrize("version", [_OLDEST_PIP, _NEWEST_PIP])
def test_newer_releases_change_nothing(tmp_path: Path, version: str) -> None:
    """With newer releases of five locked packages at hand, the versions of the lock are installed."""
    checkout = Checkout(tmp_path, pip_wheel(version))
    done = checkout.setup()
    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.installed() == {**dict.fromkeys(_LOCKED, "1.0"), "project": "0.1"}
    command = [".venv/bin/python", "-m", "pip", "--version"]
    assert subprocess.check_output(command, cwd=checkout.folder, text=True).startswith(f"pip {version} ")


@pytest.mark.parametrize(("is_working", "installer"), [(True, "uv"), (False, "pip")])
def test_uv_of_the_lock(tmp_path: Path, is_working: bool, installer: str) -> None:
    """It installs the packages, as it is faster; where it fails, pip does."""
    checkout = Checkout(tmp_path, pip_wheel(_NEWEST_PIP))
    uv = f'"{Path(sys.executable).parent}/uv" "$@" --no-cache --no-index --find-links="{checkout.index}"'
    checkout.write_lock(_LOCKED, uv=f"#!/bin/sh\n{uv if is_working else 'exit 1'}\n")
    done = checkout.setup()
    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.installed() == {**dict.fromkeys([*_LOCKED, "uv"], "1.0"), "project": "0.1"}
    packages = checkout.folder / ".venv/lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert (packages / "greenlet-1.0.dist-info/INSTALLER").read_text().strip() == installer, done.stderr


def test_the_contents_decide_whether_to_install(tmp_path: Path) -> None:
    """Newer times need no index; another lock replaces the environment, nothing of the old one stays."""
    checkout = Checkout(tmp_path, pip_wheel(_NEWEST_PIP))
    assert checkout.setup().returncode == 0
    shutil.move(checkout.index, tmp_path / "unreachable")
    for name in ("requirements.lock", "pyproject.toml", ".ci/create-venv"):
        (checkout.folder / name).touch()
    done = checkout.setup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shutil.move(tmp_path / "unreachable", checkout.index)
    checkout.write_lock({"uvicorn": ()})
    done = checkout.setup()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Installing requirements.lock into .venv")
    assert checkout.installed() == {"uvicorn": "1.0", "project": "0.1"}


def test_a_lock_that_lacks_a_package(tmp_path: Path) -> None:
    """It is an error that names the package and the remedy, each time until the lock has it."""
    checkout = Checkout(tmp_path, pip_wheel(_NEWEST_PIP))
    checkout.require("redis>=1")
    for _ in range(2):
        done = checkout.setup()
        assert done.returncode != 0
        assert "project 0.1 requires redis, which is not installed" in done.stdout
        assert "requirements.lock does not hold what pyproject.toml asks for: make lock" in done.stderr
    checkout.write_lock({**_LOCKED, "redis": ()})
    assert checkout.setup().returncode == 0
