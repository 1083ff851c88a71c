"""Diagnostics of a running process: functions that return models, without HTTP.

The views that serve them are in `c2casgiutils.tools`.
"""

from c2casgiutils.debug._loop import LoopReport, loop
from c2casgiutils.debug._slots import BusyError, Slot
from c2casgiutils.debug._stalls import Stall
from c2casgiutils.debug._state import heavy, shutdown, sleepers, startup

__all__ = ["BusyError", "LoopReport", "Slot", "Stall", "heavy", "loop", "shutdown", "sleepers", "startup"]
