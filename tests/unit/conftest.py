"""Fixtures of the unit tests."""

import pytest

from c2casgiutils.debug._budget import Budget


@pytest.fixture
def much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute for a diagnosis of the process of the tests.

    It has millions of objects by the end of a complete run, and coverage traces the walk through them.
    """
    monkeypatch.setattr(Budget.__init__, "__defaults__", (60.0,))
