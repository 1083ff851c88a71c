"""The follows that are active in this process, as a kind of switch."""

import asyncio
import contextlib
import math
from collections.abc import Mapping
from typing import Any

from c2casgiutils import instances, logs, switches
from c2casgiutils.follow._interception import Interception
from c2casgiutils.follow._interrupts import Interrupts
from c2casgiutils.follow._lines import Lines
from c2casgiutils.follow._model import Follow, parse
from c2casgiutils.follow._publisher import Publisher
from c2casgiutils.follow._recognition import Recognition
from c2casgiutils.switches import Setting

_MAX_FOLLOWS = 20


class TooManyFollowsError(switches.TooManySwitchesError):
    """The maximum number of follows is reached; a view that does not catch it answers 409.

    Args:
        active: Those that are active, by id; the text lists them, the first one to end first.
    """

    def __init__(self, active: Mapping[str, Setting]) -> None:
        ordered = sorted(active.items(), key=lambda item: item[1].expires or math.inf)
        told = ", ".join(_told(id_, setting) for id_, setting in ordered)
        text = f"{_MAX_FOLLOWS} follows are active already; end one of them: {told}"
        super().__init__(text)
        self.status_code = 409


class Follows(switches.Kind):
    """Who follows which requests: the key is the id of the follow.

    While there is one, loggers are lowered and each new record is looked at; else nothing of this exists.

    Scripts serve no requests, so they ignore follows.

    Args:
        lines: Where the lines are kept.
        secrets: Values that are masked in the lines.

    Attributes:
        reading: Within it SIGINT is noticed.
        is_interrupted: SIGINT came.
    """

    name = "follow"

    def __init__(self, lines: Lines, secrets: tuple[str, ...] = ()) -> None:
        self.lines = lines
        self._publisher = Publisher(lines, secrets)
        self._by_id: dict[str, Follow] = {}
        self._interception: Interception | None = None
        self._changed = asyncio.Event()
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self.is_interrupted = False
        self.reading = Interrupts(self._interrupt)

    def check(self, key: str, value: Any) -> None:
        """See `Kind.check`."""
        parse(key, value)

    def admit(self, key: str, value: Any) -> None:
        """See `Kind.admit`."""
        del value
        others = {id_: setting for id_, setting in switches.desired(self.name).items() if id_ != key}
        if len(others) >= _MAX_FOLLOWS:
            raise TooManyFollowsError(others)

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        if self._is_closed or instances.own().script:
            return
        for id_, setting in changes.items():
            if setting is not None:
                self._by_id[id_] = parse(id_, setting.value)
            elif self._by_id.pop(id_, None) is not None:
                self._publisher.end(id_)
        self._bring()

    def __contains__(self, id_: str) -> bool:
        """Return whether a follow is active in this process."""
        return id_ in self._by_id

    async def wait(self, seconds: float) -> None:
        """Wait until the follows change, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def flush(self) -> None:
        """Store the lines that this process has collected."""
        await self._publisher.flush()

    def _interrupt(self) -> None:
        self.is_interrupted = True
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        """End each `wait`."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def stop(self) -> None:
        """Stop following."""
        self._is_closed = True
        self._by_id.clear()
        self._bring()

    async def aclose(self) -> None:
        """Stop following, and store the last lines."""
        self.stop()
        if self._loop is asyncio.get_running_loop():
            await self._publisher.aclose()

    def _bring(self) -> None:
        """Lower the loggers and intercept records for the active follows."""
        follows = self._by_id.values()
        recognition = Recognition({follow.digest: follow for follow in follows})
        if not follows:
            logs.lower({})
            if self._interception is not None:
                self._interception.end()
                self._interception = None
        else:
            if self._interception is None:
                self._interception = Interception(recognition, self._publisher.add)
            self._interception.recognition = recognition
            floors: dict[str, int] = {}
            for follow in follows:
                floors[follow.logger] = min(follow.level, floors.get(follow.logger, follow.level))
            logs.lower(floors)
        self._wake()


def _told(id_: str, setting: Setting) -> str:
    end = setting.expires_at
    until = "" if end is None else f" until {end:%Y-%m-%dT%H:%M:%SZ}"
    return f"{id_} of {setting.by or 'nobody known'}{until}"
