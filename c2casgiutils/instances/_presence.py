"""One process in the roster: its announcement, its beats, its view of the others.

Everything is in one Redis hash: a field for each process (JSON), and the field `token`, a random text that
changes when somebody joins, leaves or changes its subscriptions. Who knows the token's present value need not
read the rest.
"""

import asyncio
import datetime
import json
import logging
import math
import os
import platform
import random
import secrets
import socket
import time
from collections.abc import Iterable
from typing import Any

from c2casgiutils import config, versions
from c2casgiutils._outages import Outage
from c2casgiutils.instances._figures import Figures, LagMeter
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._model import Instance, State
from c2casgiutils.instances._view import TOKEN_FIELD, Member, View
from c2casgiutils.redis_utils import scoped
from c2casgiutils.redis_utils._link import Link, LinkDownError, ReplyError

_LOGGER = logging.getLogger(__name__)
_PACKAGES = ("c2casgiutils", "fastapi", "starlette", "pydantic", "redis", "uvicorn")
_BEATS_TO_EXPIRY = 3
_BEATS_TO_REMOVAL = 12
_TROUBLE_SECONDS = 1.0
_KEY_SECONDS = 24 * 3600
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
        self.hostname = socket.gethostname()
        self.pid = os.getpid()
        self.id = f"{self.hostname}:{self.pid}:{secrets.token_hex(4)}"
        self.key = scoped("instances")
        self._version_key = scoped(_SWITCHES)
        self.state: State = "starting"
        self.channels: set[str] = set()
        self._application = application
        self._version = version
        self._started = time.monotonic()
        self._heartbeat = config.settings.instances.heartbeat.total_seconds()
        self._git_hash = versions.git_hash()
        self._packages = versions.installed(_PACKAGES)
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._figures = figures or Figures()
        self._hooks = hooks or Hooks()
        self._abandoned = abandoned if abandoned is not None else set()
        self._lag = LagMeter()
        self._lag_seconds = 0.0
        self.view = View(None, ())
        self._reading = asyncio.Lock()
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

    # This process

    @property
    def is_connected(self) -> bool:
        """Return whether the others can be seen now."""
        return self._link is not None and self._link.is_up

    def start(self, link: Link | None) -> None:
        """Start to beat on the running event loop; without a link only the figures are kept."""
        self._link = link
        self._lag.start()
        if link is not None:
            self._task = asyncio.create_task(self._beat_for_ever(), name="c2casgiutils-heartbeat")

    async def stop(self) -> None:
        """End the beats and leave the roster."""
        self.abort()
        if self._task is not None:
            await asyncio.wait([self._task])
        link = self._link
        if link is not None and link.is_up:
            try:
                await link.execute(
                    ("HDEL", self.key, self.id), ("HSET", self.key, TOKEN_FIELD, _new_token()), seconds=1
                )
            except LinkDownError as error:
                _LOGGER.debug("The process could not leave the roster: %s", error)

    def abort(self) -> None:
        """End the beats at once; the entry expires by itself."""
        self._lag.stop()
        if self._task is not None and not self._task.get_loop().is_closed():
            self._task.cancel()

    def set_state(self, state: State) -> None:
        """Change the state and tell it at once."""
        self.state = state
        self._wake.set()

    def instance(self) -> Instance:
        """Return this process as it is now."""
        uptime = time.monotonic() - self._started
        now = self._link.now() if self._link is not None else time.time()
        figures = {**self._figures.read(), "loop_lag_seconds": round(self._lag_seconds, 4)}
        return Instance(
            id=self.id,
            hostname=self.hostname,
            pid=self.pid,
            application=self._application,
            version=self._version,
            git_hash=self._git_hash,
            python=platform.python_version(),
            packages=self._packages,
            started=datetime.datetime.fromtimestamp(round(now - uptime, 3), tz=datetime.UTC),
            state=self.state,
            uptime_seconds=round(uptime, 3),
            figures=figures,
        )

    async def announce(self) -> None:
        """Tell the others that this process is there, or that its subscriptions changed.

        While Redis is away nothing happens: the announcement follows once it is back.
        """
        if await self._write(("HSET", self.key, self.id, self._entry(), TOKEN_FIELD, _new_token())):
            await self._remove_abandoned()

    async def _remove_abandoned(self) -> None:
        ids = tuple(self._abandoned)
        if ids and self._link is not None:
            await self._link.execute(("HDEL", self.key, *ids), ("HSET", self.key, TOKEN_FIELD, _new_token()))
            self._abandoned.difference_update(ids)

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
            self._lag_seconds = self._lag.read()
            try:
                await self._beat()
            except Exception as error:  # noqa: BLE001  # the next beat may work
                self._fault.begin(error)
            else:
                self._fault.end()

    async def _beat(self) -> None:
        replies = await self._write(("HSET", self.key, self.id, self._entry()))
        if replies and replies[0] == 1:
            # The entry was gone: the hash was deleted, or this process was taken for dead.
            await self.announce()

    async def _write(self, command: tuple[str | bytes, ...]) -> list[Any]:
        if self._link is None or not self._link.is_up:
            return []
        try:
            replies = await self._link.execute(
                command, ("EXPIRE", self.key, _KEY_SECONDS), ("HGET", self._version_key, _VERSION_FIELD)
            )
        except LinkDownError as error:
            _LOGGER.debug("No beat: %s", error)
            return []
        if isinstance(replies[0], ReplyError):
            self._refusal.begin(replies[0])
        else:
            self._refusal.end()
        self._hooks.tell_version(replies[-1])
        return replies

    def _entry(self) -> bytes:
        instance = self.instance().model_dump(
            mode="json", exclude={"beat_age_seconds"}, exclude_defaults=True
        )
        beat = self._link.now() if self._link is not None else time.time()
        entry = {
            "instance": instance,
            "channels": sorted(self.channels),
            "beat": round(beat, 3),
            "every": self._heartbeat,
            **self._hooks.read_fields(),
        }
        return json.dumps(entry, separators=(",", ":")).encode()

    # The others

    async def refresh(self, token: str | None) -> View:
        """Read who is there, unless that is known for this token already.

        Callers at the same time share a reading.

        Args:
            token: The present token, as Redis just told it.

        Raises:
            LinkDownError: Redis is away.
        """
        async with self._reading:
            if self._link is not None and token != self.view.token:
                found, entries = await self._read(self._link)
                self.view = View(found, map(_member, entries.items()))
            return self.view

    async def roster(self) -> list[Instance]:
        """All processes that gave a sign of life lately, this one alone while Redis is away."""
        link = self._link
        if link is None or not link.is_up:
            return [self.instance()]
        try:
            _, entries = await self._read(link)
        except LinkDownError:
            return [self.instance()]
        now = link.now()
        found = {
            id_: Instance.model_validate(
                {**entry["instance"], "beat_age_seconds": round(max(0.0, now - entry["beat"]), 3)}
            )
            for id_, entry in entries.items()
        }
        found[self.id] = self.instance()
        return sorted(found.values(), key=lambda instance: (instance.hostname, instance.pid, instance.id))

    async def _read(self, link: Link) -> tuple[str | None, dict[str, Any]]:
        (reply,) = await link.execute(("HGETALL", self.key))
        if not isinstance(reply, dict):
            return None, {}
        token = reply.pop(TOKEN_FIELD.encode(), None)
        now = link.now()
        alive, dead = {}, []
        for field, raw in reply.items():
            entry = _parse(raw)
            beats = (now - entry["beat"]) / entry["every"] if entry is not None else _BEATS_TO_REMOVAL
            if entry is not None and beats < _BEATS_TO_EXPIRY:
                alive[field.decode(errors="replace")] = entry
            elif beats >= _BEATS_TO_REMOVAL:
                dead.append(field)
        self._remove(link, dead)
        return token.decode(errors="replace") if token else None, alive

    def _remove(self, link: Link, fields: Iterable[bytes]) -> None:
        """Forget processes that died without leaving; one that only slept comes back with its next beat."""
        for field in fields:
            try:
                link.send(("HDEL", self.key, field))
            except LinkDownError:
                return


def _new_token() -> str:
    return secrets.token_hex(8)


def _parse(raw: bytes) -> dict[str, Any] | None:
    """Return an entry of the roster, `None` for a malformed one."""
    try:
        entry = json.loads(raw)
        instance = Instance.model_validate(entry["instance"])
        entry["beat"], entry["every"] = float(entry["beat"]), float(entry["every"])
        channels = entry["channels"]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    numbers = (entry["beat"], entry["every"], instance.uptime_seconds, *instance.figures.values())
    is_entry = isinstance(channels, list) and entry["every"] > 0 and all(map(math.isfinite, numbers))
    return entry if is_entry else None


def _member(item: tuple[str, dict[str, Any]]) -> Member:
    id_, entry = item
    instance = entry["instance"]
    return Member(
        id_, str(instance["hostname"]), int(instance["pid"]), frozenset(map(str, entry["channels"]))
    )
