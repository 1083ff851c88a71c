"""The tables of variables in the pages about older releases."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("migrate-from-0.x.md", "migrate-from-c2cwsgiutils.md")


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "older_variables_table.py"), "--check", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)


def test_the_tables_are_those_of_the_script() -> None:
    done = check(ROOT / "docs")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_a_difference_is_an_error(name: str, tmp_path: Path) -> None:
    for each in PAGES:
        shutil.copy(ROOT / "docs" / each, tmp_path)
    page = tmp_path / name
    start = "<!-- variables -->\n"
    page.write_text(page.read_text().replace(start, f"{start}changed"))
    assert "run make settings" in check(tmp_path).stderr
