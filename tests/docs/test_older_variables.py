"""The table of variables in `docs/migrate-from-c2cwsgiutils.md`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "migrate-from-c2cwsgiutils.md"


def check(page: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "older_variables_table.py"), "--check", str(page)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)


def test_the_table_is_that_of_the_script() -> None:
    done = check(PAGE)
    assert done.returncode == 0, done.stderr


def test_a_difference_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text().replace("`C2C__AUTH__SECRET`", "`C2C__SECRET`"))
    assert "run make settings" in check(page).stderr
