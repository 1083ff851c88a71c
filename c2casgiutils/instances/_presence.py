"""The entry of this process in the roster: its announcement, its heartbeats, and its recovery when lost."""

import asyncio
import logging
import random
import time
from typing import Any

from c2casgiutils import config, events
from c2casgiutils._outages import Outage, waiting
from c2casgiutils._periodic import PeriodicTask
from c2casgiutils.instances._entry import LOST_BEATS, REBUILT_FIELD
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._lag import LagMeter
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._rebuild import call_others
from c2casgiutils.instances._report import Report
from c2casgiutils.instances._roster import KEY_SECONDS, Roster
from c2casgiutils.redis_utils import describe, scoped
from c2casgiutils.redis_utils._link import REPLY_SECONDS, Link, LinkDownError, ReplyError

_LOGGER = logging.getLogger(__name__)

_TROUBLE_SECONDS = 1.0
_BEATS_FOR_SAMPLES = 6
_BEATS_TO_RETURN = 1.4
"""Intervals without a beat of this process after which others must check whether it is lost."""
_ANNOUNCE_SECONDS, _LEAVE_SECONDS = 0.3, 1.0
_NEW_ENTRY, _NEW_KEY = 2, 3
"""Number of fields that a complete entry adds; one more, the token, if the whole hash was missing."""


class Presence:
    """This process in the roster (in tests, one of several in the same process).

    Args:
        application: Title of the application.
        version: Version of the application.
        figures: The figures that it reports.
        hooks: Additional fields that it reports, and the callbacks for the version of the desired state.
        abandoned: Former ids of this process, to remove from the roster.
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
        self.id: str = self._report.id
        self.hostname: str = self._report.hostname
        self.pid: int = self._report.pid
        self.channels: set[str] = self._report.channels
        self.lag: LagMeter = self._report.lag
        self.is_started = False
        self.roster: Roster = Roster(self.id)
        self.events: events.Log = events.Log(self.id, self.now)
        self._version_key = scoped("switches")
        self._publish_word = "SPUBLISH" if config.settings.redis.cluster else "PUBLISH"
        self._heartbeat = config.settings.instances.heartbeat.total_seconds()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._abandoned = abandoned if abandoned is not None else set()
        self._beats = 0
        self._periodic = PeriodicTask("heartbeat", self._heartbeat)
        self._static: dict[str, Any] | None = None
        """The static part as it was last written; `None` before the first time."""
        self._last_beat = 0.0
        self._refusal = Outage(
            _LOGGER, "Redis refuses the roster entry: %s", "Redis accepts the roster entry again after %.1f s"
        )
        self._fault = Outage(
            _LOGGER, "A heartbeat failed: %s", "Heartbeats work again after %.1f s", level=logging.ERROR
        )

    @property
    def is_connected(self) -> bool:
        """Return whether the other processes can be seen now."""
        return self._link is not None and self._link.is_up

    @property
    def state(self) -> State:
        """The state of this process."""
        return self._report.state

    def set_state(self, state: State) -> None:
        """Change the state and announce it immediately."""
        before, self._report.state = self.state, state
        if before != state:
            self.events.record("state", before=before, after=state)
        self.beat_soon()

    def set_script(self, name: str) -> None:
        """Note that this process is a script, which is ready without serving requests."""
        self._report.script = name
        self.set_state("ready")

    def beat_soon(self) -> None:
        """Send a heartbeat now instead of at the end of the interval."""
        self._wake.set()

    def now(self) -> float:
        """Return the time of Redis in seconds since 1970; without Redis, the time of this machine."""
        return self._link.now() if self._link is not None else time.time()

    def instance(self) -> Instance:
        """Return this process as it is now."""
        return self._report.instance()

    async def instances(self, *, samples: bool = False) -> list[Instance]:
        """Return all processes, including lost ones; only this one while Redis is unreachable.

        Args:
            samples: Include their samples.
        """
        found: dict[str, Instance] = {}
        if self.is_connected:
            try:
                with waiting(REPLY_SECONDS) as seconds:
                    found = await self.roster.read(samples=samples, seconds=seconds)
            except LinkDownError as error:
                _LOGGER.debug("Could not read the roster: %s", error)
        found[self.id] = self._report.instance(samples=samples)
        return sorted(found.values(), key=lambda instance: (instance.hostname, instance.pid, instance.id))

    async def read_events(self, since: float) -> events.Found:
        """Return the events since a moment."""
        with waiting(REPLY_SECONDS) as seconds:
            return await self.events.read(self._link, since=since, seconds=seconds)

    # Start and stop

    def start(self, link: Link | None) -> None:
        """Start the heartbeats on the running event loop; without a link only the samples are recorded."""
        self._link = self.roster.link = self.events.link = link
        self._report.lag.start()
        self._periodic.start()
        self.events.record("join", after=self.state)
        self._task = asyncio.create_task(self._beat_for_ever(), name="c2casgiutils-heartbeat")

    async def stop(self) -> None:
        """Stop the heartbeats and leave the roster."""
        self.abort()
        if self._task is not None:
            await asyncio.wait([self._task])
            self.events.record("leave", before=self.state, after="left")
        if self._link is not None and self._link.is_up:
            try:
                async with asyncio.timeout(_LEAVE_SECONDS):
                    # in this order, so that nobody takes it for a process that the roster does not have
                    await self._link.unsubscribe(self.roster.channels.all)
                    commands = self.events.save().commands
                    await self._link.execute(*commands, *self.roster.remove_commands([self.id]))
            except (LinkDownError, ReplyError, TimeoutError) as error:
                _LOGGER.debug("Could not leave the roster: %s", error)

    def abort(self) -> None:
        """Stop the heartbeats at once; the entry expires by itself."""
        self._report.lag.stop()
        self._periodic.stop()
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
                with self._periodic.run() as run:
                    self._report.sample()
                    await self._write()
                    run.ok = self._link is None or self._link.is_up
            except Exception as error:  # noqa: BLE001  # the next beat may work
                self._fault.begin(error)
            else:
                self._fault.end()

    async def announce(self) -> None:
        """Announce this process, or a change of its subscriptions, to the others.

        While Redis is unreachable nothing is sent: the announcement follows after the reconnection.
        """
        is_first = self._static is None
        key_was_missing = await self._write(is_news=True)
        if is_first and key_was_missing and self._link is not None:
            await call_others(self._link, self.roster, self.id, self._publish_word)
        if self._abandoned and self._link is not None and self.is_connected:
            ids = tuple(self._abandoned)
            await self._link.execute(*self.roster.remove_commands(ids))
            self._abandoned.difference_update(ids)

    async def _write(self, *, is_news: bool = False, is_rebuilt: bool = False) -> bool:
        """Write the entry.

        Args:
            is_news: The others must read the roster again.
            is_rebuilt: The entries of other processes may be missing.

        Returns:
            Whether the hash of the roster was missing.
        """
        link = self._link
        if link is None or not link.is_up:
            return False
        now = link.now()
        static = self._report.static(is_final=link.has_clock)
        was_late = now - self._last_beat >= _BEATS_TO_RETURN * self._heartbeat
        is_news = is_news or is_rebuilt or static != self._static or was_late
        told, rebuilt = static if is_news else None, now if is_rebuilt else None
        if is_rebuilt:
            self.events.save_again()
            self._hooks.tell_loss()
        more = (saving := self.events.save()).commands
        self._beats += 1
        if self._beats % _BEATS_FOR_SAMPLES == 0:
            more += self.roster.sample_commands(self.id, self._report.samples())
        try:
            _, *replies = await link.execute(
                ("HSETNX", self.roster.key, REBUILT_FIELD, now),  # the key may have been lost just now
                self.roster.entry_command(self.id, self._report.beat(), told, rebuilt),
                ("ZADD", self.roster.beats_key, now + LOST_BEATS * self._heartbeat, self.id),
                ("EXPIRE", self.roster.key, KEY_SECONDS),
                ("EXPIRE", self.roster.beats_key, KEY_SECONDS),
                self.roster.currency_command,
                self.roster.soon_command(now),
                ("HGET", self._version_key, "version"),
                self.roster.static_command(self.id),
                *more,
            )
        except LinkDownError as error:
            _LOGGER.debug("No heartbeat: %s", error)
            return False
        if not self._note_refusal(replies[0]):
            return False
        if was_late:
            self._note_return(now)
        was_there, self._static, self._last_beat = self._static is not None, static, now
        token = self.roster.read_token(replies[4], now)
        self.events.record_losses(self.roster.note_soon(replies[5], now))
        self._hooks.tell_version(replies[6])
        saving.note(replies[8 : 8 + len(saving.steps)])
        key_was_missing = replies[0] >= _NEW_KEY if is_news else token is None
        entry_was_missing = replies[0] >= _NEW_ENTRY if is_news else replies[0] > 0
        if was_there and not is_rebuilt and (entry_was_missing or replies[1] == 1):
            await self._write(is_rebuilt=True)
            if key_was_missing:
                await link.execute((self._publish_word, self.roster.channels.all, self.id))
        elif not is_news and not self.roster.has_static(self.id, static, replies[7]):
            await self._write(is_news=True)
        return key_was_missing

    def _note_return(self, now: float) -> None:
        """Note a pause: others may consider this process lost, a promoted replica may lack its events."""
        silence = now - self._last_beat
        self.roster.steady_since = now
        self.events.save_again()
        if self._last_beat and silence >= LOST_BEATS * self._heartbeat:
            self.events.record("return", after=self.state, reason=f"no heartbeat for {silence:.0f} s")
            self.beat_soon()

    def _note_refusal(self, reply: Any) -> bool:
        """Return whether Redis accepted the entry."""
        is_refused = isinstance(reply, ReplyError)
        self.roster.doubts.note_refusal(self.now(), describe(reply) if is_refused else None)
        if is_refused:
            self._refusal.begin(reply)
        else:
            self._refusal.end()
        return not is_refused

    # Recovery of a lost roster

    def hear(self, data: bytes) -> None:
        """Handle a message on the channel of the roster: another process found that the roster was lost."""
        if data == self.id.encode() or self._soon is not None or not self.is_connected:
            return
        delay = random.uniform(0, _ANNOUNCE_SECONDS)  # noqa: S311  # not all at once
        self._soon = asyncio.get_running_loop().call_later(delay, self._announce_now)

    def _announce_now(self) -> None:
        self._soon = None
        self._static = None if self._static is None else {}  # forces the next beat to write it
        self.beat_soon()
