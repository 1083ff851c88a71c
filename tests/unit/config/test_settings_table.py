"""The table of the settings in the documentation."""

import subprocess
import sys
from pathlib import Path

import pytest

from c2casgiutils import config
from c2casgiutils.config._environment import variables

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "settings_table.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "settings.md"
    file.write_text("before\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n")
    return file


def test_the_table_is_written_between_the_markers(page: Path) -> None:
    assert run(str(page)).returncode == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- settings -->\n\n| Variable |")
    assert text.endswith("|\n\n<!-- /settings -->\nafter\n")
    assert "| `C2C__AUTH__JWT__COOKIE__AGE` | duration | `7d` |" in text
    assert "| `C2C__SENTRY__TAG_<NAME>` | text |  |" in text
    assert "| `LOG_TYPE` | `console`, `json` | `console` |" in text


def test_a_difference_is_an_error(page: Path) -> None:
    assert "make settings" in run("--check", str(page)).stderr
    run(str(page))
    assert run("--check", str(page)).returncode == 0


def test_missing_markers_are_an_error(page: Path) -> None:
    page.write_text("nothing")
    assert run(str(page)).returncode == 1


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in variables(config.Settings) if not field.description] == []
