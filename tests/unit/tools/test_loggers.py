"""Which records a handler writes."""

import contextlib
import logging
import sys
import uuid

import httpx
import pytest

from c2casgiutils import logs
from c2casgiutils.tools import _level_values, _loggers
from tests.support.loggers import as_python_starts


@pytest.fixture
def logger() -> logging.Logger:
    """A logger that no other test uses."""
    return logging.getLogger(f"tests.{uuid.uuid4().hex}")


def handler(level: int) -> logging.Handler:
    result = logging.StreamHandler()
    result.setLevel(level)
    return result


@as_python_starts()
@pytest.mark.parametrize(
    ("handlers", "level"),
    [
        pytest.param([], logging.WARNING, id="none: the last resort of Python"),
        pytest.param([handler(logging.ERROR), handler(logging.INFO)], logging.INFO, id="the lowest counts"),
        pytest.param([handler(logging.NOTSET)], logging.NOTSET, id="any level"),
        pytest.param([logging.NullHandler()], sys.maxsize, id="a handler that writes nothing"),
    ],
)
def test_the_lowest_level_that_is_written(
    logger: logging.Logger, handlers: list[logging.Handler], level: int
) -> None:
    """Also for a child, which has no handler of its own."""
    logger.handlers = handlers
    assert logs.written_from(logger) == level
    assert logs.written_from(logger.getChild("child")) == level


def test_a_disabled_logger_writes_nothing(logger: logging.Logger) -> None:
    """As `dictConfig` leaves loggers that a configuration does not name, unless it is told otherwise."""
    logger.addHandler(handler(logging.NOTSET))
    logger.disabled = True
    assert logs.written_from(logger) == sys.maxsize


async def test_the_api_says_what_is_lost(client: httpx.AsyncClient, logger: logging.Logger) -> None:
    """The warning is there while the level lets records through that no handler writes, and only then."""
    with as_python_starts():
        url = "logging/level"
        answer = await client.post(url, json={"name": logger.name, "level": "DEBUG"})
        assert answer.json()["warning"] == "no log handler writes records below WARNING"
        for name in (logger.name, f"{logger.name}.unknown.child"):
            read = (await client.get(url, params={"name": name})).json()
            assert read["warning"] == "no log handler writes records below WARNING"
        logger.addHandler(handler(logging.DEBUG))
        assert "warning" not in (await client.get(url, params={"name": logger.name})).json()
        assert "warning" not in (await client.post(url, json={"name": logger.name, "level": "INFO"})).json()


async def test_the_page_says_what_is_lost(client: httpx.AsyncClient, logger: logging.Logger) -> None:
    """Beside the logger that is read, and under what needs attention."""
    with as_python_starts():
        await client.post("logging/level", json={"name": logger.name, "level": "DEBUG"})
        text = (await client.get("")).text
        assert f"Log level of {logger.name}: no log handler writes records below WARNING" in text
        text = (await client.get("levels", params={"logger": logger.name})).text
        assert "no log handler writes records below WARNING." in text
        logger.addHandler(handler(logging.DEBUG))
        for view in ("", "levels"):
            text = (await client.get(view, params={"logger": logger.name})).text
            assert "no log handler" not in text


async def test_what_is_lost_is_found_among_many_levels(
    client: httpx.AsyncClient, logger: logging.Logger
) -> None:
    """Levels that are all right do not hide one that is not, wherever its name stands in the list."""
    with as_python_starts():
        for number in range(30):
            await client.post("logging/level", json={"name": f"a.{number}", "level": "ERROR"})
        await client.post("logging/level", json={"name": logger.name, "level": "DEBUG"})
        text = (await client.get("")).text
    assert f"Log level of {logger.name}: no log handler writes records below WARNING" in text


def test_level_of_a_disabled_logger(logger: logging.Logger) -> None:
    """Who sets a level wants to see records: a disabled logger is enabled until the level ends."""
    logger.disabled = True
    overrides = _loggers.Overrides()
    for level in (logging.DEBUG, logging.INFO):
        overrides.apply(logger.name, level)
        assert logger.isEnabledFor(level)
    overrides.apply(logger.name, None)
    assert logger.disabled
    logger.disabled = False
    overrides.apply(logger.name, logging.DEBUG)
    overrides.apply(logger.name, None)
    assert not logger.disabled


@pytest.mark.parametrize(("level", "is_allowed"), [("DEBUG", True), ("INFO", True), ("WARNING", False)])
def test_audit_is_not_silenced(level: str, is_allowed: bool) -> None:
    """Its lines are written whatever its level is, so a level that says otherwise is refused."""
    refusal = contextlib.nullcontext() if is_allowed else pytest.raises(ValueError, match="audit")
    with refusal:
        _level_values.check_allowed("c2casgiutils.audit", getattr(logging, level))
