"""What has the mark `no_cover` is not traced, in the processes of pytest-xdist either."""

import sys

import pytest


@pytest.mark.no_cover
def test_nothing_traces() -> None:
    assert sys.gettrace() is None
