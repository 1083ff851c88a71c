"""The profiles of this process: started on request, and kept for a while."""

import asyncio
import contextlib
import functools
import logging
import secrets
import threading
import time
from typing import Literal

from pydantic import BaseModel, Field

from c2casgiutils import instances
from c2casgiutils.debug._call_tree import CallTree
from c2casgiutils.debug._enabled import check_enabled
from c2casgiutils.debug._sampler import Sampler
from c2casgiutils.debug._slots import Slot

_LOGGER = logging.getLogger(__name__)

MAX_SECONDS = 60
MAX_HZ = 1_000
_KEPT_SECONDS = 600.0
_MAX_KEPT = 5


class Profile(BaseModel):
    """What the threads of a process did for a while."""

    id: str
    instance: str
    seconds: float = Field(description="how long it took")
    hz: int
    samples: int = Field(description="fewer than requested if they took too long")
    tree: CallTree


class ProfileState(BaseModel):
    """The state of a profile; `unknown` if it was never started, or is no longer kept."""

    state: Literal["running", "done", "unknown"]
    remaining_seconds: float = Field(default=0, ge=0, le=MAX_SECONDS)
    profile: Profile | None = None


class Profiles:
    """The last profiles of a process, at most five, each for 10 minutes.

    Args:
        slot: Occupied while one runs.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._stopped = threading.Event()
        self._running: dict[str, float] = {}
        self._done: dict[str, Profile] = {}

    def start(self, *, seconds: float, hz: int) -> str:
        """Start a profile in a thread, and return its id, which names the process.

        Args:
            seconds: Duration.
            hz: Samples a second.

        Raises:
            BusyError: Another costly diagnosis runs.
            DisabledError: They are switched off in this process.
        """
        check_enabled()
        id_ = f"{secrets.token_hex(8)}.{instances.own_id()}"
        steps = contextlib.ExitStack()
        steps.enter_context(self._slot.held())
        steps.callback(self._running.pop, id_, None)
        self._running[id_] = time.monotonic() + seconds
        self._stopped.clear()
        work = functools.partial(self._run, id_, Sampler(seconds, hz), hz, steps)
        try:
            threading.Thread(target=work, name="c2casgiutils-profile", daemon=True).start()
        except RuntimeError:  # no more threads
            steps.close()
            raise
        asyncio.get_running_loop().call_later(seconds + _KEPT_SECONDS, self._done.pop, id_, None)
        return id_

    def find(self, id_: str) -> ProfileState:
        """Return the state of a profile, with its result once it is done."""
        end, profile = self._running.get(id_), self._done.get(id_)
        if profile is not None:
            return ProfileState(state="done", profile=profile)
        if end is not None:
            return ProfileState(state="running", remaining_seconds=max(end - time.monotonic(), 0))
        return ProfileState(state="unknown")

    def stop(self) -> None:
        """End the running profile early."""
        self._stopped.set()

    def _run(self, id_: str, sampler: Sampler, hz: int, steps: contextlib.ExitStack) -> None:
        with steps:
            started = time.monotonic()
            try:
                tree = sampler.run(self._stopped).bounded()
            except Exception:  # the thread is ours: nobody else would log it
                _LOGGER.exception("The profile failed")
                return
            self._keep(
                Profile(
                    id=id_,
                    instance=id_.partition(".")[2],
                    seconds=time.monotonic() - started,
                    hz=hz,
                    samples=sampler.samples,
                    tree=tree,
                )
            )

    def _keep(self, profile: Profile) -> None:
        while len(self._done) >= _MAX_KEPT:
            self._done.pop(next(iter(self._done)), None)
        self._done[profile.id] = profile
