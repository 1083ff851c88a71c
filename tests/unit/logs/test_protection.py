"""Handlers that exist when the application is wired emit no secrets."""

import io
import logging
from collections.abc import Iterator

import pytest

from c2casgiutils import logs

VALUE = "a-long-value"


@pytest.fixture
def handler() -> Iterator[logging.StreamHandler[io.StringIO]]:
    """The handler of a named logger, as uvicorn has them."""
    handler = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("of.the.protection")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_handlers_of_all_loggers_are_protected_once(handler: logging.StreamHandler[io.StringIO]) -> None:
    logs.protect_handlers([VALUE])
    logs.protect_handlers([VALUE])
    assert len(handler.filters) == 1
    logging.getLogger("of.the.protection.child").error("password=abc of %s", VALUE)
    assert handler.stream.getvalue() == "password=*** of ***\n"


def test_handler_of_last_resort_is_protected() -> None:
    """It emits the warnings of an application that configures no logging."""
    logs.protect_handlers()
    assert logging.lastResort is not None
    assert any(isinstance(item, logs.RedactionFilter) for item in logging.lastResort.filters)


def test_filter_of_a_configuration_learns_the_values(handler: logging.StreamHandler[io.StringIO]) -> None:
    own = logs.RedactionFilter()
    handler.addFilter(own)
    logs.protect_handlers([VALUE])
    assert handler.filters == [own]
    logging.getLogger("of.the.protection").error("it was %s", VALUE)
    assert handler.stream.getvalue() == "it was ***\n"


def test_short_values_stay_in_words(handler: logging.StreamHandler[io.StringIO]) -> None:
    logs.protect_handlers(["test"])
    logging.getLogger("of.the.protection").error("tested")
    assert handler.stream.getvalue() == "tested\n"


def test_extras_are_redacted_for_formatters_of_others(handler: logging.StreamHandler[io.StringIO]) -> None:
    handler.setFormatter(logging.Formatter("%(said)s %(token)s %(number)s"))
    logs.protect_handlers()
    extra = {"said": "/?secret=abc", "token": "abc", "number": 5}
    logging.getLogger("of.the.protection").error("x", extra=extra)
    assert handler.stream.getvalue() == "/?secret=*** *** 5\n"


def test_access_record_keeps_its_arguments() -> None:
    """A path that looks like a header must not cost the line: the formatter of uvicorn needs all five."""
    arguments = ("127.0.0.1:5", "GET", "/x/authorization:", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", 20, "f.py", 1, '%s - "%s %s HTTP/%s" %d', arguments, None)
    logs.RedactionFilter().filter(record)
    assert record.args == arguments


def test_record_without_secrets_is_left_alone() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("app", 40, "f.py", 1, "failed %s", ("x",), exc_info)
    logs.RedactionFilter().filter(record)
    assert (record.msg, record.args, record.exc_text, record.exc_info) == (
        "failed %s",
        ("x",),
        None,
        exc_info,
    )
