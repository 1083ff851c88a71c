"""The time line of the processes of this service: who joined, left or was lost, and which states changed."""

from c2casgiutils.events._log import KEPT_SECONDS, Found, Log
from c2casgiutils.events._model import Event, Kind, short
from c2casgiutils.events._surplus import LEFT, MAX_EVENTS, surplus

__all__ = ["KEPT_SECONDS", "LEFT", "MAX_EVENTS", "Event", "Found", "Kind", "Log", "short", "surplus"]
