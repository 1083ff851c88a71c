"""The browser of all these tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium, of one module: its event loop would be in the way of other tests."""
    with chromium() as running:
        yield running
