"""What `DEBUG_LOGCONFIG` prints."""

import json
import logging
import logging.config

import pytest

from c2casgiutils import logs
from tests.support.fresh import run_fresh
from tests.support.loggers import as_python_starts

CONFIGURATION = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "formatters": {"json": {"()": "c2casgiutils.logs.JsonFormatter", "static_fields": {"token": "hunter2"}}},
    "filters": {"redaction": {"()": "c2casgiutils.logs.RedactionFilter", "values": ["hunter2-hunter2"]}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"},
        "queue": {"()": "c2casgiutils.logs.queued", "handler": "cfg://handlers.console", "level": "INFO"},
        "sql": {
            "class": "c2casgiutils.logs.SqlHandler",
            "url": "postgresql://me:hunter2@host/db",
            "filters": ["redaction"],
        },
    },
    "loggers": {"my_app": {"level": "DEBUG", "handlers": ["sql"], "propagate": False}},
    "root": {"level": "WARNING", "handlers": ["queue"]},
})
logging.getLogger("without.anything")
"""


@pytest.mark.parametrize(
    ("start", "names"),
    [
        pytest.param("async with c2casgiutils.lifespan(): pass", "import c2casgiutils", id="application"),
        pytest.param("pass", "from c2casgiutils import logs\nlogs.print_configuration()", id="function"),
    ],
)
def test_the_resulting_configuration(start: str, names: str) -> None:
    """Handlers and levels are there, the arguments of handlers are not."""
    code = f"{CONFIGURATION}\nimport asyncio\n{names}\nasync def main():\n    {start}\nasyncio.run(main())"
    done = run_fresh(code, env={"DEBUG_LOGCONFIG": "1"})
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stderr
    result = json.loads(done.stderr)
    assert result["root"] == {"level": "WARNING", "handlers": ["queue"]}
    assert result["loggers"]["my_app"] == {"level": "DEBUG", "handlers": ["sql"], "propagate": False}
    assert "without.anything" not in result["loggers"]
    handlers = result["handlers"]
    assert set(handlers) == {"console", "queue", "sql"}
    assert handlers["console"]["class"] == "logging.StreamHandler"
    assert handlers["console"]["formatter"] == "c2casgiutils.logs._json.JsonFormatter"
    assert handlers["console"]["stream"] == "<stdout>"
    assert (handlers["queue"]["handler"], handlers["queue"]["level"]) == ("console", "INFO")
    assert handlers["sql"]["filters"] == ["c2casgiutils.logs._redaction.RedactionFilter"]


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_nothing_is_printed(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEBUG_LOGCONFIG", value)
    monkeypatch.setenv("LOG_LEVEL", "a meaning of the application's own")
    logs.print_configuration()
    assert capsys.readouterr() == ("", "")


def test_a_wrong_value(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DEBUG_LOGCONFIG", "maybe")
    with pytest.raises(SystemExit):
        logs.print_configuration()
    assert capsys.readouterr().err.startswith("DEBUG_LOGCONFIG: must be a boolean")


@as_python_starts("my_app")
def test_other_filters_and_handlers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A function as a filter, a handler without a name or a formatter, a disabled logger."""
    monkeypatch.setenv("DEBUG_LOGCONFIG", "1")
    handler = logging.NullHandler()
    handler.addFilter(lambda record: True)
    logger = logging.getLogger("my_app")
    logger.addHandler(handler)
    logger.addFilter(logging.Filter("my_app"))
    logger.disabled = True
    try:
        logs.print_configuration()
    finally:
        logger.disabled = False
        logger.filters.clear()
    result = json.loads(capsys.readouterr().err)
    (name,) = result["loggers"]["my_app"]["handlers"]
    assert name.startswith("NullHandler-")
    assert result["handlers"][name]["formatter"] is None
    assert "<lambda>" in result["handlers"][name]["filters"][0]
    assert result["loggers"]["my_app"]["disabled"] is True
    assert result["loggers"]["my_app"]["filters"] == ["logging.Filter"]
