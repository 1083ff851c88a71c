"""Log levels in the tests."""

import logging

from c2casgiutils.tools import _levels


def reset_levels() -> None:
    """Give each logger the level back that it had before a test changed it."""
    overrides = _levels.kind().overrides
    for name, level in overrides.configured.items():
        logging.getLogger(name).setLevel(level)
    overrides.configured.clear()
    overrides.made_up.clear()
