"""What the tools keep: the roster that was read last, and what the application registered for the page."""

import asyncio
import math
import time

from c2casgiutils import instances, switches
from c2casgiutils._process import PerLoop
from c2casgiutils.tools._registered import Link, Page

_ROSTER_SECONDS = 1.0
"""How long a roster that was read serves all viewers."""
_LEAST_SECONDS = 0.1
"""The same for those who look for the result of a change."""
_SAMPLES_SECONDS = 5.0
"""The same for the samples, which are most of the data, and are written every few beats only."""


class Recent:
    """The roster that was read last, for all viewers."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._at = -math.inf
        self._samples_at = -math.inf
        self._found: list[instances.Instance] = []
        self._seen: list[instances.Instance] = []
        self._seen_at = -math.inf
        self.read_at: float = 0.0
        """When the roster was read, by the clock of Redis: the ages in it are those of that time."""

    def forget(self, *, at_once: bool) -> None:
        """Read the roster when it is next asked for; unless `at_once`, only if that was not just done."""
        if at_once or time.monotonic() - self._at >= _LEAST_SECONDS:
            self._at = -math.inf

    async def roster(self) -> list[instances.Instance]:
        """Return the roster, read within the last second."""
        async with self._lock:
            if time.monotonic() - self._at >= _ROSTER_SECONDS:
                self._found = await self._read()
                self._at, self.read_at = time.monotonic(), switches.now()
                if not instances.is_cut_off():
                    self._seen, self._seen_at = self._found, self._at
            return self._found

    def unseen(self) -> list[instances.Instance]:
        """Return the other processes as they were when Redis was last reachable; none while it is."""
        if not instances.is_cut_off():
            return []
        found, passed = {instance.id for instance in self._found}, time.monotonic() - self._seen_at
        return [
            instance.model_copy(update={"beat_age_seconds": instance.beat_age_seconds + passed})
            for instance in self._seen
            if instance.id not in found
        ]

    async def _read(self) -> list[instances.Instance]:
        if time.monotonic() - self._samples_at >= _SAMPLES_SECONDS:
            self._samples_at = time.monotonic()
            return await instances.roster(samples=True)
        samples = {instance.id: instance.samples for instance in self._found}
        found = await instances.roster()
        for instance in found:
            instance.samples = samples.get(instance.id, [])
        return found


class _State:
    """The roster of each event loop; the registered pages by id, and the links by title."""

    def __init__(self) -> None:
        self.recent = PerLoop(Recent)
        self.pages: dict[str, Page] = {}
        self.links: dict[str, Link] = {}


STATE = _State()
