"""Packages of the npm registry for tests in the browser: `tests/browser/package-lock.json`."""

import fcntl
import subprocess
from pathlib import Path

from tests.support.processes import binary

FOLDER = Path(__file__).parents[1] / "browser"


def node_modules() -> Path:
    """The folder with the packages; they are installed when they are missing or of another lock file."""
    folder = FOLDER / "node_modules"
    installed = folder / ".installed"
    wanted = (FOLDER / "package-lock.json").read_text()
    with (FOLDER / ".npm-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != wanted:
            options = ("--ignore-scripts", "--no-audit", "--no-fund", "--omit=peer", "--legacy-peer-deps")
            subprocess.run([binary("npm", "npm"), "ci", *options], cwd=FOLDER, check=True, timeout=300)
            installed.write_text(wanted)
    return folder
