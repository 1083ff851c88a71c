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


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A configuration that is invalid, and what is said about it."""
    content, reason = BROKEN[request.param]
    file = tmp_path / "logging.yaml"
    file.write_text(content)
    return file, reason


def test_instead_of_a_broken_default_file_the_packaged_one_serves(
    broken: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line tells the reason; what is logged later has the packaged form."""
    file, reason = broken
    cli.configure_logging(parse(default=str(file)))
    logging.getLogger("c2casgiutils").info("text")
    output, errors = capsys.readouterr()
    assert errors == ""
    first, second = output.splitlines()
    assert f"ERROR    c2casgiutils.cli --logging-config: {file} is invalid: " in first
    assert reason in first
    assert first.endswith("; the packaged configuration is used")
    assert second.endswith("INFO     c2casgiutils text")


def test_a_named_file_that_is_broken_ends_the_script(
    broken: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file, reason = broken
    for given in (parse("--logging-config", str(file)), file):
        with pytest.raises(SystemExit) as ended:
            cli.configure_logging(given)
        assert ended.value.code == 3
        output, errors = capsys.readouterr()
        assert output == ""
        assert errors.startswith(f"--logging-config: {file} is invalid: ")
        assert reason in errors
        assert errors.count("\n") == 1


def test_secrets_of_a_broken_file_are_masked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error of the YAML parser quotes the line."""
    file = tmp_path / "logging.yaml"
    file.write_text("a: [password=hunter2 {")
    with pytest.raises(SystemExit):
        cli.configure_logging(file)
    cli.configure_logging(parse(default=str(file)))
    output, errors = capsys.readouterr()
    assert "password=***" in errors
    assert "hunter2" not in output + errors


@pytest.mark.parametrize("option", [True, False], ids=["named", "default"])
def test_a_broken_file_leaves_no_trace_on_the_loggers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, option: bool
) -> None:
    """It is applied until its error: by then it has disabled the loggers it does not name."""
    child, named = logging.getLogger("my_app.child"), logging.getLogger("my_app")
    file = tmp_path / "logging.yaml"
    file.write_text(
        "version: 1\n"
        "handlers: {out: {class: logging.StreamHandler, stream: ext://sys.stdout}}\n"
        "loggers: {my_app: {level: CRITICAL, propagate: false, handlers: [out]}}\n"
        "root: {level: NOPE}\n"
    )
    if option:
        with pytest.raises(SystemExit):
            cli.configure_logging(file)
    else:
        cli.configure_logging(parse(default=str(file)))
        child.warning("text")
        first, second = capsys.readouterr().out.splitlines()
        assert "Unknown level: 'NOPE'" in first
        assert second.endswith("my_app.child text")
    assert not logging.getLogger("c2casgiutils.cli").disabled
    assert not child.disabled
    assert (named.level, named.propagate, named.handlers) == (logging.NOTSET, True, [])


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
