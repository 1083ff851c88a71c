"""Diagnoses of the process of the tests."""

import pytest

from c2casgiutils.debug._budget import Budget


@pytest.fixture(autouse=True)
def _much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has millions of objects by the end of a complete run, and coverage traces the walk through them."""
    monkeypatch.setattr(Budget.__init__, "__defaults__", (60.0,))
