"""The packaged configuration in its two forms."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest
import yaml

from c2casgiutils import logs
from tests.support.fresh import run_fresh

SHOW = """
import json, logging, logging.config, sys, warnings
import yaml
from c2casgiutils import logs
file = logs.{file}
logging.config.dictConfig(yaml.safe_load(file.read_text()))
names = {names!r}
levels = {{n: logging.getLevelName(logging.getLogger(n).getEffectiveLevel()) for n in names}}
print(json.dumps(levels), file=sys.stderr)
"""
SERVERS = [
    *("uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access", "hypercorn.error"),
    *("hypercorn.access", "granian.access", "_granian.serve"),
]
NAMES = ["root", "my_app", "c2casgiutils", "sqlalchemy.engine", *SERVERS]


def show(file: str) -> str:
    """Code that applies a file and writes the levels to standard error."""
    return SHOW.format(file=file, names=NAMES)


APPLICATION = {"C2C__TOOLS__LOGGING__APPLICATION_MODULE": "my_app"}


def test_both_files_say_the_same() -> None:
    """That in JSON spells out the loggers, which some servers change before they apply it."""
    as_yaml: dict[str, Any] = yaml.safe_load(logs.CONFIG_FILE.read_text())
    as_json: dict[str, Any] = json.loads(logs.JSON_CONFIG_FILE.read_text())
    assert isinstance(as_json.pop("loggers"), dict)
    assert as_yaml.pop("loggers") == "ext://c2casgiutils.logs.LOGGERS"
    assert as_json == as_yaml


def levels(file: str, **environment: str) -> dict[str, str]:
    done = run_fresh(show(file), env={**APPLICATION, **environment})
    assert done.returncode == 0, done.stderr
    result: dict[str, str] = json.loads(done.stderr)
    return result


@pytest.mark.parametrize("file", ["CONFIG_FILE", "JSON_CONFIG_FILE"])
def test_levels(file: str) -> None:
    """Those of the server and of this library are `LOG_LEVEL` unless they are set."""
    found = levels(file, LOG_LEVEL="error")
    assert {found[name] for name in (*SERVERS, "c2casgiutils")} == {"ERROR"}
    assert found["root"] == "WARNING"
    found = levels(
        file, LOG_LEVEL="ERROR", SERVER_LOG_LEVEL="debug", C2C_LOG_LEVEL="Critical", SQL_LOG_LEVEL="INFO"
    )
    assert {found[name] for name in SERVERS} == {"DEBUG"}
    assert (found["c2casgiutils"], found["sqlalchemy.engine"]) == ("CRITICAL", "INFO")


def test_the_level_of_the_application() -> None:
    """In YAML from the configuration on, in JSON from the start on."""
    assert levels("CONFIG_FILE", LOG_LEVEL="DEBUG")["my_app"] == "DEBUG"
    code = show("JSON_CONFIG_FILE").replace("names =", "logs.complete_named()\nnames =")
    done = run_fresh(code, env={**APPLICATION, "LOG_LEVEL": "DEBUG"})
    assert json.loads(done.stderr)["my_app"] == "DEBUG"


@pytest.mark.parametrize("name", ["SERVER_LOG_LEVEL", "C2C_LOG_LEVEL"])
def test_wrong_levels(name: str) -> None:
    done = run_fresh(show("CONFIG_FILE"), env={name: "LOUD"})
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{name}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("log_type", ["console", "json"])
def test_warnings_are_lines(log_type: str) -> None:
    code = show("CONFIG_FILE") + "warnings.simplefilter('always')\nwarnings.warn('an old way')"
    done = run_fresh(code, env={"LOG_TYPE": log_type})
    assert "py.warnings" in done.stdout
    assert "UserWarning: an old way" in done.stdout
    assert "an old way" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"LOG_TYPE": "json"}, False)],
)
def test_colors_on_a_terminal(environment: dict[str, str], is_colored: bool) -> None:
    code = show("CONFIG_FILE") + "logging.getLogger('c2casgiutils').error('text\\x1b[31m')"
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    terminal, end = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", code],
            env={**inherited, **environment},
            stdout=end,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        output = os.read(terminal, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(end)
    assert ("\x1b[31mERROR\x1b[0m" in output) == is_colored
    assert output.count("\x1b") == (2 if is_colored else 0)
    assert "text" in output


def test_no_colors_without_a_terminal() -> None:
    code = show("CONFIG_FILE") + "logging.getLogger('c2casgiutils').error('text')"
    assert "\x1b" not in run_fresh(code).stdout
