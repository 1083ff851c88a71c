"""What each script says with `--help`."""

import importlib.metadata

import pytest

from tests.support.scripts import call

SCRIPTS = {
    script.name: script
    for script in importlib.metadata.entry_points(group="console_scripts")
    if script.name.startswith("c2casgiutils-")
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_examples_and_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The page says that they are there; an example names the script."""
    assert call(SCRIPTS[name].load(), "--help") == 0
    shown = capsys.readouterr().out
    assert f" {name} " in shown.partition("\nexamples:\n")[2].partition("\n\n")[0]
    assert "exit codes:\n  0  " in shown


def test_all_scripts() -> None:
    assert len(SCRIPTS) >= 7
