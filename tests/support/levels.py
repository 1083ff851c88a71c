"""Log levels in the tests."""

import logging

from c2casgiutils.tools._loggers import OVERRIDES


def reset_levels() -> None:
    """Give each logger the level back that it had before a test changed it: none of its own."""
    for name in OVERRIDES.levels:
        logging.getLogger(name).setLevel(logging.NOTSET)
    OVERRIDES.levels.clear()
    OVERRIDES.made_up.clear()
