"""Which tests coverage measures, in the processes of pytest-xdist too."""

import pytest
from coverage import Coverage


@pytest.mark.no_cover
def test_what_has_the_mark_is_not_measured() -> None:
    assert Coverage.current() is None


def test_others_are_measured(pytestconfig: pytest.Config) -> None:
    """Although the first process measures the imports for all of them."""
    assert (Coverage.current() is not None) == pytestconfig.pluginmanager.hasplugin("_cov")
