"""Diagnostics of a running process: functions that return models, without HTTP.

The views that serve them are in `c2casgiutils.tools`.
"""

from c2casgiutils.debug._slots import BusyError, Slot
from c2casgiutils.debug._state import heavy, sleepers

__all__ = ["BusyError", "Slot", "heavy", "sleepers"]
