"""A logger for handlers that are tested with real servers."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A separate logger, whose handlers are closed after the test."""
    logger = logging.Logger("my_app.views")  # noqa: LOG001  # not registered, so other tests do not see it
    yield logger
    for handler in logger.handlers:
        handler.close()
