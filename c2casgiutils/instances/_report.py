"""What this process reports about itself."""

import collections
import datetime
import os
import platform
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any

from c2casgiutils import config, versions
from c2casgiutils.instances._entry import (
    MAX_SAMPLES,
    Beat,
    RingItem,
    Samples,
    Static,
    ring_item,
    to_instance,
)
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._lag import LagMeter
from c2casgiutils.instances._model import Instance, State

_PACKAGES = ("c2casgiutils", "fastapi", "starlette", "pydantic", "redis", "uvicorn")


class Report:
    """The identity, state and figures of this process.

    Args:
        application: Title of the application.
        version: Version of the application.
        figures: The figures that it reports.
        hooks: What higher layers add.
        now: Returns the time of Redis.
    """

    def __init__(
        self, application: str, version: str, figures: Figures, hooks: Hooks, now: Callable[[], float]
    ) -> None:
        self.hostname = socket.gethostname()
        self.pid = os.getpid()
        self.id = f"{self.hostname}:{self.pid}:{secrets.token_hex(4)}"
        self.state: State = "starting"
        self.channels: set[str] = set()
        self.script = ""
        self.lag = LagMeter()
        self._identity = {
            "hostname": self.hostname,
            "pid": self.pid,
            "application": application,
            "version": version,
            "git_hash": versions.git_hash(),
            "python": platform.python_version(),
            "packages": versions.installed(_PACKAGES),
        }
        self._heartbeat = config.settings.instances.heartbeat.total_seconds()
        self._started = time.monotonic()
        self._started_at: str | None = None
        self._figures = figures
        self._hooks = hooks
        self._now = now
        self._lag_seconds = 0.0
        self._ring: collections.deque[RingItem] = collections.deque(maxlen=MAX_SAMPLES)

    def instance(self, *, samples: bool = True) -> Instance:
        """Return this process as it is now, with or without its samples."""
        beat = Beat.model_validate(self.beat())
        static = Static.model_validate(self.static(is_final=False))
        ring = Samples(ring=list(self._ring)) if samples else None
        return to_instance(self.id, beat, static, ring, now=beat.beat, liveness="ok")

    def sample(self) -> None:
        """Record a sample of the current figures."""
        self._lag_seconds = self.lag.read()
        self._ring.append(ring_item(round(self._now(), 3), self._read_figures()))

    def samples(self) -> dict[str, Any]:
        """Return the samples as stored in the roster."""
        return {"ring": list(self._ring)}

    def beat(self) -> dict[str, Any]:
        """Return the beat as stored in the roster."""
        return {
            **self._hooks.read_fields(),
            "beat": round(self._now(), 3),
            "every": self._heartbeat,
            "state": self.state,
            "uptime": round(time.monotonic() - self._started, 3),
            "figures": self._read_figures(),
        }

    def static(self, *, is_final: bool) -> dict[str, Any]:
        """Return the static part as stored in the roster.

        Args:
            is_final: `now` is the time of Redis, so that the start time can be fixed.
        """
        started = self._started_at
        if started is None:
            seconds = self._now() - (time.monotonic() - self._started)
            started = datetime.datetime.fromtimestamp(round(seconds, 3), tz=datetime.UTC).isoformat()
            self._started_at = started if is_final else None
        return {
            **self._hooks.read_static_fields(),
            **self._identity,
            "script": self.script,
            "started": started,
            "channels": sorted(self.channels),
        }

    def _read_figures(self) -> dict[str, float]:
        return {**self._figures.read(), "loop_lag_seconds": round(self._lag_seconds, 4)}
