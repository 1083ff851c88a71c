"""The page of all requests is that of the OpenAPI document."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_code() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "endpoints_table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
