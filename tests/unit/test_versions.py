"""Reading the versions file."""

import logging
from pathlib import Path

import pytest

from c2casgiutils import versions


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "versions.json"


def test_without_a_file_there_is_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert (versions.read([file]), versions.git_hash([file]), caplog.records) == (None, None, [])


def test_the_first_file_wins(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    file.write_text('{"main": {"git_hash": "aaa", "git_tag": "1.0"}}')
    other.write_text('{"main": {"git_hash": "bbb"}}')
    assert (versions.git_hash([file, other]), versions.git_tag([file, other])) == ("aaa", "1.0")
    assert (versions.git_hash([tmp_path / "none", other]), versions.git_tag([other])) == ("bbb", None)


@pytest.mark.parametrize("content", ["{", "[]", '{"packages": {}}', '{"main": 3}', "\xff"])
def test_a_broken_file_is_one_warning(file: Path, caplog: pytest.LogCaptureFixture, content: str) -> None:
    file.write_text(content, encoding="latin-1")
    with caplog.at_level(logging.WARNING):
        assert versions.read([file]) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("value", ["3", "null", '""', "[]"])
def test_a_hash_that_is_no_text(file: Path, value: str) -> None:
    file.write_text(f'{{"main": {{"git_hash": {value}}}}}')
    assert versions.git_hash([file]) is None
