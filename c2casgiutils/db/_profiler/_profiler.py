"""The profiler of this process, as a kind of switch: on for a while in every process, or off."""

import dataclasses
import datetime
import logging
import os
import socket
import weakref
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from c2casgiutils import broadcast, instances, switches
from c2casgiutils.db._profiler._figures import Figures, merged, shortened
from c2casgiutils.db._profiler._listener import Listener
from c2casgiutils.db._profiler._recording import Recording
from c2casgiutils.switches import Setting, SwitchReport

if TYPE_CHECKING:
    from sqlalchemy import Engine

_LOGGER = logging.getLogger(__name__)

_CHANNEL = "c2c_sql_profiler"
_KEY = ""
_OPTIONS = frozenset({"explain", "analyze"})
_TIMEOUT_SECONDS = 2.0
_TOLERANCE_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a process has recorded.

    Attributes:
        version: The version of the desired state that it has read.
        recording: The version of the switch that asked for the recording, 0 without one.
    """

    id: str
    hostname: str
    pid: int
    version: int
    recording: int = 0
    statements: list[Figures] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Profile:
    """The state of the profiler, and what all processes have recorded.

    Attributes:
        expires: When it ends; `None` while it is off.
        statements: Those that took the most time first.
        report: Which processes answered.
    """

    expires: datetime.datetime | None
    statements: list[Figures]
    report: SwitchReport

    @property
    def enabled(self) -> bool:
        """Return whether statements are recorded."""
        return self.expires is not None


class Profiler(switches.Kind):
    """Records the statements of the databases of this process while it is switched on.

    What was recorded is kept after it ended by itself, until it is started again or ended by somebody.
    """

    name = "sql_profiler"

    def __init__(self) -> None:
        self._listeners: weakref.WeakKeyDictionary[Engine, Listener] = weakref.WeakKeyDictionary()
        self._users: weakref.WeakKeyDictionary[Engine, int] = weakref.WeakKeyDictionary()
        self._setting: Setting | None = None
        self._recording: Recording | None = None

    def check(self, key: str, value: Any) -> None:
        """See `Kind.check`."""
        is_valid = isinstance(value, dict) and all(isinstance(wanted, bool) for wanted in value.values())
        if key != _KEY or not is_valid or not value.keys() <= _OPTIONS:
            raise ValueError("the options of the profiler are explain and analyze, both booleans")

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        if _KEY not in changes:
            return
        setting = changes[_KEY]
        if setting is None:
            self._end()
        elif self._setting is None or self._setting.version != setting.version:
            self._begin(setting)

    def watch(self, database: str, engines: "Iterable[Engine]") -> None:
        """Note the engines of a database, to record their statements whenever the profiler is on."""
        for engine in engines:
            self._users[engine] = self._users.get(engine, 0) + 1
            listener = self._listeners.setdefault(engine, Listener(engine, database))
            if self._setting is not None:
                listener.record(engine, self._recording)

    def unwatch(self, engines: "Iterable[Engine]") -> None:
        """Forget engines; those of the application may belong to several databases."""
        for engine in engines:
            self._users[engine] = self._users.get(engine, 1) - 1
            if self._users[engine] <= 0:
                del self._users[engine]
                self._listeners.pop(engine).record(engine, None)

    def ends_at(self, engine: "Engine") -> datetime.datetime | None:
        """Return until when the statements of an engine are recorded; `None` if they are not.

        Args:
            engine: Of a database, or derived from one: they share the pool.
        """
        is_watched = any(known.pool is engine.pool for known in list(self._listeners))
        return self._setting.expires_at if self._setting is not None and is_watched else None

    async def startup(self) -> None:
        """Take part in the cluster: apply the switch, and answer questions; before `switches.startup`."""
        self._end()  # what another event loop began and can no longer end
        switches.register(self)
        await broadcast.subscribe(_CHANNEL, self._on_question)

    async def start(
        self, *, ttl: float, explain: bool, analyze: bool, by: str, seconds: float = _TIMEOUT_SECONDS
    ) -> switches.Change:
        """Start to record in all processes, and forget what was recorded before.

        Args:
            ttl: Seconds until it ends by itself.
            explain: Fetch the plan of each statement once.
            analyze: Execute queries that only read for it.
            by: Who asks for it.
            seconds: How long it may last.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored.
        """
        value = {"explain": explain, "analyze": analyze}
        return await switches.put(self.name, _KEY, value, ttl=ttl, by=by, seconds=seconds)

    async def end(self, *, by: str, seconds: float = _TIMEOUT_SECONDS) -> SwitchReport:
        """End in all processes, and forget what they recorded.

        Raises:
            SwitchesUnavailableError: Redis is unreachable or refuses; says whether the change is stored.
        """
        change = await switches.remove(self.name, _KEY, by=by, seconds=seconds)
        # those in which it had ended by itself see no change
        question = {"forget": True}
        reply = await broadcast.ask(
            _CHANNEL, self._on_question, question, timeout=seconds, or_alone=True, answer=Answer
        )
        return SwitchReport.of_reply(reply, change.version)

    async def read(self) -> Profile:
        """Return what all processes have recorded, without those that do not answer in 2 s."""
        reply = await broadcast.ask(
            _CHANNEL, self._on_question, timeout=_TIMEOUT_SECONDS, or_alone=True, answer=Answer
        )
        setting = switches.current(self.name).get(_KEY)
        wanted = 0 if setting is None else setting.version
        newest = max((answer.recording for answer in reply.payloads), default=0)
        statements = merged(
            answer.statements for answer in reply.payloads if answer.recording == (wanted or newest)
        )
        return Profile(
            None if setting is None else setting.expires_at,
            statements,
            SwitchReport.of_reply(reply, wanted),
        )

    async def _on_question(self, *, forget: bool = False, **_of_newer_releases: Any) -> Answer:
        if forget and self._setting is None:
            self._recording = None
        recording = self._recording
        return Answer(
            id=instances.own_id(),
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=switches.version(),
            recording=0 if recording is None else recording.version,
            statements=[] if recording is None else list(shortened(recording.figures())),
        )

    def _begin(self, setting: Setting) -> None:
        self._setting = setting
        options = {name: setting.value.get(name, False) for name in _OPTIONS}
        self._recording = Recording(setting.version, **options)
        self._record(self._recording)
        _LOGGER.warning("The SQL profiler was started by %s", setting.by or "nobody known")

    def _end(self) -> None:
        setting, self._setting = self._setting, None
        if setting is None:
            return
        self._record(None)
        if setting.expires is None or setting.expires > switches.now() + _TOLERANCE_SECONDS:
            self._recording = None
        _LOGGER.warning("The SQL profiler ended")

    def _record(self, recording: Recording | None) -> None:
        for engine, listener in list(self._listeners.items()):
            listener.record(engine, recording)
