"""The stalls of an event loop: when a callback had to wait, and for whom."""

import asyncio
import collections
import datetime
import threading
from typing import NamedTuple

from pydantic import BaseModel, Field

from c2casgiutils import broadcast
from c2casgiutils._asgi import matched_route
from c2casgiutils.debug._frames import guilty, place_of, request_of, stack_of, thread_frames

_MAX_STALLS = 50


class Stall(BaseModel):
    """A time during which the event loop was blocked."""

    at: datetime.datetime = Field(description="when it began")
    ms: float = Field(description="how long a callback had to wait")
    frame: str | None = Field(
        description="`file:line function` where the event loop was most of the time, in code of the "
        "application if it was in any; null if no other thread could run then"
    )
    route: str | None = Field(description="path template of the route that was running")


class Sighting(NamedTuple):
    """What a blocked event loop was running."""

    frame: str
    route: str | None


def look(loop: asyncio.AbstractEventLoop, thread: int) -> Sighting | None:
    """Return what an event loop runs now, as seen from another thread.

    Args:
        loop: The event loop.
        thread: The identifier of its thread.
    """
    frame = guilty(stack_of(thread_frames().get(thread)))
    if frame is None:
        return None
    task = asyncio.current_task(loop)
    request = None if task is None else request_of(task)
    scope = None if request is None else request.scope
    return Sighting(str(place_of(frame)), None if scope is None else matched_route(scope))


class Stalls:
    """The last stalls of an event loop; another thread adds what it sees while one lasts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due = 0.0
        self._seen: collections.Counter[Sighting] = collections.Counter()
        self._stalls: collections.deque[Stall] = collections.deque(maxlen=_MAX_STALLS)

    def see(self, due: float, sighting: Sighting, milliseconds: int) -> None:
        """Note what the blocked event loop runs.

        Args:
            due: When the waiting callback was due, which identifies the stall.
            sighting: What the loop runs.
            milliseconds: Since when it may have run this.
        """
        with self._lock:
            if due != self._due:
                self._due, self._seen = due, collections.Counter()
            self._seen[sighting] += milliseconds

    def end(self, due: float, seconds: float) -> None:
        """Note that the event loop runs again.

        Args:
            due: When the waiting callback was due.
            seconds: How long it had to wait.
        """
        with self._lock:
            longest = self._seen.most_common(1) if due == self._due else []
            frame, route = longest[0][0] if longest else (None, None)
        at = datetime.datetime.fromtimestamp(broadcast.now() - seconds, tz=datetime.UTC)
        self._stalls.append(Stall(at=at, ms=round(seconds * 1000, 1), frame=frame, route=route))

    def latest(self) -> list[Stall]:
        """Return the last 50, the newest first."""
        return list(self._stalls)[::-1]
