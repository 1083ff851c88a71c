"""This process in the roster: its announcement, its beats, and what it does when its entry is gone."""

import asyncio
import logging
import random
import time
from typing import Any

from c2casgiutils import config
from c2casgiutils._outages import Outage
from c2casgiutils.instances._entry import LOST_BEATS, REBUILT_FIELD, STATIC, TOKEN_FIELD
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._report import Report
from c2casgiutils.instances._roster import Roster, new_token
from c2casgiutils.redis_utils import scoped
from c2casgiutils.redis_utils._link import Command, Link, LinkDownError, ReplyError

_LOGGER = logging.getLogger(__name__)

_TROUBLE_SECONDS = 1.0
_KEY_SECONDS = 24 * 3600
_BEATS_FOR_SAMPLES = 6
_BEATS_TO_RETURN = 1.4
"""After so many beats without a sign of life others look at when this process is lost."""
_ANNOUNCE_SECONDS = 0.3
_REBUILD_SECONDS = 0.4
_NEW_ENTRY, _NEW_KEY = 2, 3
"""New fields of a whole entry, and with the token when the key itself was missing."""
_SWITCHES = "switches"
_VERSION_FIELD = "version"


class Presence:
    """This process (or, in tests, one of several in it) in the roster.

    Args:
        application: Title of the application.
        version: Version of the application.
        figures: The figures that it tells.
        hooks: What else it tells, and who is told the version of the desired state.
        abandoned: Ids to remove from the roster: what this process was before.
    """

    def __init__(
        self,
        application: str = "",
        version: str = "",
        figures: Figures | None = None,
        hooks: Hooks | None = None,
        abandoned: set[str] | None = None,
    ) -> None:
        self._hooks = hooks or Hooks()
        self._report = Report(application, version, figures or Figures(), self._hooks, self.now)
        self.id, self.hostname, self.pid = self._report.id, self._report.hostname, self._report.pid
        self.channels = self._report.channels
        self.is_started = False
        self.roster = Roster()
        self.channel = scoped("@roster")
        """Who hears anything here tells again that it is there."""
        self._version_key = scoped(_SWITCHES)
        self._publish_word, self._numsub_word = (
            ("SPUBLISH", "SHARDNUMSUB") if config.settings.redis.cluster else ("PUBLISH", "NUMSUB")
        )
        self._heartbeat = config.settings.instances.heartbeat.total_seconds()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._abandoned = abandoned if abandoned is not None else set()
        self._beats = 0
        self._static: dict[str, Any] | None = None
        """What rarely changes, as it was last written; `None` before the first time."""
        self._last_beat = 0.0
        self._refusal = Outage(
            _LOGGER,
            "Redis refuses the entry of the roster: %s",
            "Redis accepts the entry of the roster again after %.1f s",
        )
        self._fault = Outage(
            _LOGGER,
            "A heartbeat failed: %s",
            "Heartbeats work again after %.1f s",
            level=logging.ERROR,
        )

    @property
    def is_connected(self) -> bool:
        """Return whether the others can be seen now."""
        return self._link is not None and self._link.is_up

    @property
    def state(self) -> State:
        """The state of this process."""
        return self._report.state

    def set_state(self, state: State) -> None:
        """Change the state and tell it at once."""
        self._report.state = state
        self.beat_soon()

    def beat_soon(self) -> None:
        """Beat now instead of at the end of the interval."""
        self._wake.set()

    def now(self) -> float:
        """Return the time of Redis in seconds since 1970; that of this machine without it."""
        return self._link.now() if self._link is not None else time.time()

    def instance(self) -> Instance:
        """Return this process as it is now."""
        return self._report.instance()

    async def instances(self, *, samples: bool = False) -> list[Instance]:
        """Return all processes, the lost ones too; this one alone while Redis is unreachable.

        Args:
            samples: With their samples.
        """
        found: dict[str, Instance] = {}
        if self.is_connected:
            try:
                found = await self.roster.read(samples=samples)
            except LinkDownError as error:
                _LOGGER.debug("The roster cannot be read: %s", error)
        found[self.id] = self._report.instance(samples=samples)
        return sorted(found.values(), key=lambda instance: (instance.hostname, instance.pid, instance.id))

    # Start and end

    def start(self, link: Link | None) -> None:
        """Start to beat on the running event loop; without a link only the figures are kept."""
        self._link = self.roster.link = link
        self._report.lag.start()
        self._task = asyncio.create_task(self._beat_for_ever(), name="c2casgiutils-heartbeat")

    async def stop(self) -> None:
        """End the beats and leave the roster."""
        self.abort()
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._link is not None and self._link.is_up:
            try:
                await self._link.execute(*self.roster.remove_commands([self.id]), seconds=1)
            except LinkDownError as error:
                _LOGGER.debug("The process could not leave the roster: %s", error)

    def abort(self) -> None:
        """End the beats at once; the entry expires by itself."""
        self._report.lag.stop()
        if self._soon is not None:
            self._soon.cancel()
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()

    # Beats

    async def _beat_for_ever(self) -> None:
        while True:
            beat = min(self._heartbeat, _TROUBLE_SECONDS) if self._refusal.is_on else self._heartbeat
            seconds = beat * random.uniform(0.9, 1.1)  # noqa: S311  # jitter
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                self._report.sample()
                await self._write()
            except Exception as error:  # noqa: BLE001  # the next beat may work
                self._fault.begin(error)
            else:
                self._fault.end()

    async def announce(self) -> None:
        """Tell the others that this process is there, or that its subscriptions changed.

        While Redis is unreachable nothing happens: the announcement follows once it is back.
        """
        is_first = self._static is None
        key_was_missing = await self._write(is_news=True)
        if is_first and key_was_missing:
            await self._call_others()
        if self._abandoned and self.is_connected:
            await self._remove_abandoned()

    async def _write(self, *, is_news: bool = False, is_rebuilt: bool = False) -> bool:
        """Write the entry, and learn what changed meanwhile.

        Args:
            is_news: Others must read the roster again.
            is_rebuilt: Entries of others may be missing.

        Returns:
            Whether the key of the roster was missing.
        """
        link = self._link
        if link is None or not link.is_up:
            return False
        now = link.now()
        static = self._report.static(is_final=link.has_clock)
        was_late = now - self._last_beat >= _BEATS_TO_RETURN * self._heartbeat
        is_news = is_news or is_rebuilt or static != self._static or was_late
        command = self._entry_command(static if is_news else None, now if is_rebuilt else None)
        try:
            replies = await link.execute(
                command,
                ("ZADD", self.roster.beats_key, now + LOST_BEATS * self._heartbeat, self.id),
                ("EXPIRE", self.roster.key, _KEY_SECONDS),
                ("EXPIRE", self.roster.beats_key, _KEY_SECONDS),
                self.roster.currency_command,
                self.roster.soon_command(now),
                ("HGET", self._version_key, _VERSION_FIELD),
                *self._sample_commands(),
            )
        except LinkDownError as error:
            _LOGGER.debug("No beat: %s", error)
            return False
        if not self._note_refusal(replies[0]):
            return False
        was_there, self._static, self._last_beat = self._static is not None, static, now
        token = self.roster.read_token(replies[4], now)
        self.roster.note_soon(replies[5], now)
        self._hooks.tell_version(replies[6])
        key_was_missing = replies[0] >= _NEW_KEY if is_news else token is None
        entry_was_missing = replies[0] >= _NEW_ENTRY if is_news else replies[0] > 0
        if was_there and not is_rebuilt and (entry_was_missing or replies[1] == 1):
            await self._write(is_rebuilt=True)
            if key_was_missing:
                await link.execute((self._publish_word, self.channel, self.id))
        return key_was_missing

    def _entry_command(self, static: dict[str, Any] | None, rebuilt: float | None) -> Command:
        write = self.roster.codec.write
        command: list[str | bytes | float] = [
            "HSET",
            self.roster.key,
            self.id,
            write(self.id, self._report.beat()),
        ]
        if static is not None:
            field = f"{self.id}{STATIC}"
            command += [field, write(field, static), TOKEN_FIELD, new_token()]
        if rebuilt is not None:
            command += [REBUILT_FIELD, rebuilt]
        return tuple(command)

    def _sample_commands(self) -> list[Command]:
        self._beats += 1
        if self._beats % _BEATS_FOR_SAMPLES:
            return []
        text = self.roster.codec.write(self.id, self._report.samples())
        key = self.roster.samples_key
        return [("HSET", key, self.id, text), ("EXPIRE", key, _KEY_SECONDS)]

    def _note_refusal(self, reply: Any) -> bool:
        """Return whether Redis accepted the entry."""
        self.roster.is_refused = isinstance(reply, ReplyError)
        if self.roster.is_refused:
            self._refusal.begin(reply)
        else:
            self._refusal.end()
        return not self.roster.is_refused

    # When the roster was lost

    def hear(self, data: bytes) -> None:
        """Take a message of the channel of the roster: a process found that the roster was lost."""
        if data == self.id.encode() or self._soon is not None or not self.is_connected:
            return
        delay = random.uniform(0, _ANNOUNCE_SECONDS)  # noqa: S311  # not all at once
        self._soon = asyncio.get_running_loop().call_later(delay, self._announce_now)

    def _announce_now(self) -> None:
        self._soon = None
        if self._static is not None:
            self._static = {}  # differs from what is to be written
        self.beat_soon()

    async def _call_others(self) -> None:
        """Let those who lost the roster know, and give them the time to enter it."""
        if self._link is None:
            return
        _, counts = await self._link.execute(
            (self._publish_word, self.channel, self.id), ("PUBSUB", self._numsub_word, self.channel)
        )
        if isinstance(counts, list) and counts[1] > 1:
            await asyncio.sleep(_REBUILD_SECONDS)

    async def _remove_abandoned(self) -> None:
        ids = tuple(self._abandoned)
        if self._link is not None:
            await self._link.execute(*self.roster.remove_commands(ids))
            self._abandoned.difference_update(ids)
