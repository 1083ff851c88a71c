"""The page of all requests is that of the OpenAPI document."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "endpoints.md"


def check(page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "endpoints_table.py"), "--check", str(page)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)


def test_the_page_is_that_of_the_code() -> None:
    done = check(PAGE)
    assert done.returncode == 0, done.stderr


def test_a_difference_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "endpoints.md"
    page.write_text(PAGE.read_text().replace("| `GET /instances`", "| `GET /processes`"))
    assert "run make settings" in check(page).stderr
