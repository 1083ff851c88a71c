"""Log levels in the tests."""

from c2casgiutils.tools import _levels


def reset_levels() -> None:
    """Give each logger the level back that it had before a test changed it."""
    overrides = _levels.kind().overrides
    for name in list(overrides.configured):
        overrides.apply(name, None)
    overrides.made_up.clear()
