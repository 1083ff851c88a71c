"""The option and the logging configuration of a script."""

import logging
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2casgiutils import cli

OWN = """
version: 1
disable_existing_loggers: false
formatters: {plain: {format: "own %(message)s"}}
handlers: {out: {class: logging.StreamHandler, stream: ext://sys.stdout, formatter: plain}}
root: {level: ext://c2casgiutils.logs.LOG_LEVEL, handlers: [out]}
"""


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """The logging of the test run comes back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    for name in ("c2casgiutils", "uvicorn", "sqlalchemy.engine", "my_app"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def parse(*arguments: str, default: str | None = "logging.yaml") -> str | None:
    parser = ArgumentParser()
    cli.add_arguments(parser, default)
    file: str | None = parser.parse_args(arguments).logging_config
    return file


def test_the_default_is_a_file_of_the_application() -> None:
    parser = ArgumentParser()
    cli.add_arguments(parser)
    assert parser.parse_args([]).logging_config == "logging.yaml"


def test_the_option() -> None:
    assert parse("--logging-config", "other.yaml") == "other.yaml"
    assert parse("--logging-config=other.yaml", default=None) == "other.yaml"


def test_no_default() -> None:
    assert parse(default=None) is None


def test_the_help_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--help")
    assert "(default: logging.yaml)" in " ".join(capsys.readouterr().out.split())


def test_a_file_of_the_application(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "logging.yaml"
    file.write_text(OWN)
    cli.configure_logging(file)
    logging.getLogger("my_app").info("text")
    assert capsys.readouterr().out == "own text\n"


def test_the_packaged_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C2C__TOOLS__LOGGING__APPLICATION_MODULE", "my_app")
    cli.configure_logging(None)
    logging.getLogger("my_app").info("text")
    logging.getLogger("other").info("chatter")
    assert capsys.readouterr().out.endswith("INFO     my_app text\n")


BROKEN = {
    "no YAML": ("version: [1", "while parsing a flow sequence"),
    "empty": ("", "it is not a mapping"),
    "a list": ("- version: 1", "it is not a mapping"),
    "no version": ("a: 1", "dictionary doesn't specify a version"),
    "unknown class": (OWN.replace("StreamHandler", "NoHandler"), "NoHandler"),
    "unknown level": (OWN.replace("ext://c2casgiutils.logs.LOG_LEVEL", "LOUD"), "Unknown level: 'LOUD'"),
    "raising factory": (OWN.replace("{format:", "{(): no.such.module, format:"), "no"),
    "no text": ("\x00", "unacceptable character"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("option", [True, False], ids=["named", "default"])
def test_instead_of_a_broken_file_the_packaged_one_serves(
    name: str, *, option: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line tells the reason; what is logged later has the packaged form."""
    content, reason = BROKEN[name]
    file = tmp_path / "logging.yaml"
    file.write_text(content)
    cli.configure_logging(parse("--logging-config", str(file)) if option else parse(default=str(file)))
    logging.getLogger("c2casgiutils").info("text")
    output, errors = capsys.readouterr()
    assert errors == ""
    first, second = output.splitlines()
    assert f"ERROR    c2casgiutils.cli --logging-config: {file} is invalid: " in first
    assert reason in first
    assert first.endswith("; the packaged configuration is used")
    assert second.endswith("INFO     c2casgiutils text")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_named_file_that_is_missing_ends_the_script(
    kind: type, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "logging.yaml"
    for given in (parse("--logging-config", str(file)), kind(file)):
        with pytest.raises(SystemExit) as ended:
            cli.configure_logging(given)
        assert ended.value.code == 3
        assert capsys.readouterr() == ("", f"--logging-config: {file} does not exist\n")


def test_a_default_file_that_is_missing_is_no_matter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.configure_logging(parse(default=str(tmp_path / "logging.yaml")))
    logging.getLogger("c2casgiutils").info("text")
    output, errors = capsys.readouterr()
    assert output.endswith("INFO     c2casgiutils text\n")
    assert output.count("\n") == 1
    assert errors == ""


def test_a_wrong_level_of_the_environment_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    (tmp_path / "logging.yaml").write_text(OWN)
    for file in (None, tmp_path / "logging.yaml"):
        with pytest.raises(SystemExit):
            cli.configure_logging(file)
        assert capsys.readouterr().err.count("\n") == 1
