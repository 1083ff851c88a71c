"""Run pytest; a few tests that fail run again, alone and one after another.

One that fails again fails the run. One that passes then depends on the load of the machine or on the tests
before it: it is named as flaky at the end, and does not hide the result of the others.

The arguments are those of pytest.
"""
# ruff: noqa: S603, T201, INP001  # runs and prints, like make

import json
import subprocess
import sys
from pathlib import Path

MAX_MODULES = 10
"""Failures in more of them have one cause, which is not the load; a fixture can fail all tests of one."""
CACHE = Path(".cache", "pytest")
SOME_FAILED = 1


def run(*options: str) -> int:
    """Return the exit code of pytest."""
    command = [sys.executable, "-m", "pytest", f"--override-ini=cache_dir={CACHE}", *sys.argv[1:], *options]
    return subprocess.run(command, check=False).returncode


def failed() -> set[str]:
    """Return the tests that failed in the last run."""
    try:
        return set(json.loads((CACHE / "v/cache/lastfailed").read_text()))
    except FileNotFoundError:
        return set()


def main() -> int:
    """Run the tests, and return the exit code of the last run."""
    code = run("--cache-clear")
    suspects = failed()
    modules = {name.partition("::")[0] for name in suspects}
    # a module that cannot be imported is named by its file
    if code != SOME_FAILED or len(modules) > MAX_MODULES or modules & suspects:
        return code
    print(f"== alone: {len(suspects)} of the tests", flush=True)
    code = run("--last-failed", "--numprocesses=0", "--cov-append")
    for name in sorted(suspects - failed()):
        print(f"flaky: {name}")
    return code


if __name__ == "__main__":
    sys.exit(main())
