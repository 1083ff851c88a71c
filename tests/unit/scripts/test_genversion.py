"""The console script that writes the versions file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from c2casgiutils.scripts import genversion


@pytest.mark.parametrize(
    ("arguments", "main"),
    [
        pytest.param(["0a1b2c3"], {"git_hash": "0a1b2c3"}, id="hash"),
        pytest.param(["1.2.3", "0a1b2c3"], {"git_hash": "0a1b2c3", "git_tag": "1.2.3"}, id="tag and hash"),
        pytest.param(["", "0a1b2c3"], {"git_hash": "0a1b2c3"}, id="empty tag"),
    ],
)
def test_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], main: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    genversion.main(arguments)
    content = json.loads((tmp_path / "versions.json").read_text())
    assert content["main"] == main
    assert content["packages"]["pydantic-settings"]
    assert content["packages"]["c2casgiutils"] == "1.0.0.dev0"  # installed in editable form


def test_packages_from_a_path_and_without_a_name(tmp_path: Path) -> None:
    """Direct-URL installations are there; the left-over of an uninstallation is no package."""
    direct = tmp_path / "My_App-3.1.dist-info"
    direct.mkdir()
    (direct / "METADATA").write_text("Metadata-Version: 2.1\nName: My_App\nVersion: 3.1\n")
    (direct / "direct_url.json").write_text('{"url": "file:///src", "dir_info": {}}')
    (tmp_path / "~roken-1.dist-info").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", "from c2casgiutils.scripts import genversion; genversion.main(['abc'])"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{Path(__file__).parents[3]}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    packages = json.loads((tmp_path / "versions.json").read_text())["packages"]
    assert packages["my-app"] == "3.1"
    assert all(packages)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param([], "required", id="nothing"),
        pytest.param(["1", "2", "3"], "got 3 values", id="too many"),
        pytest.param(["1.0", ""], "the hash is empty", id="empty hash"),
        pytest.param(["--nonsense", "abc"], "--nonsense", id="unknown option"),
    ],
)
def test_usage_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    problem: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        genversion.main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert "[GIT_TAG] GIT_HASH" in error
    assert problem in error
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "versions.json").mkdir()
    with pytest.raises(SystemExit) as ended:
        genversion.main(["abc"])
    assert ended.value.code == 1
    assert "cannot write" in capsys.readouterr().err
