"""The registered checks, and their combined state."""

import asyncio
import datetime
import logging
import time
from collections.abc import Collection, Iterable, Sequence

from c2casgiutils import instances, redis_utils
from c2casgiutils._process import PerLoop
from c2casgiutils.health_checks import _metrics
from c2casgiutils.health_checks._events import Events
from c2casgiutils.health_checks._model import Check, GlobalResult, Options, Severity, Status
from c2casgiutils.health_checks._outcome import UNKNOWN, Outcome
from c2casgiutils.health_checks._runner import Background, Entry, to_seconds
from c2casgiutils.health_checks._service import Service
from c2casgiutils.health_checks.checks._redis import Redis
from c2casgiutils.health_checks.checks._version import Version

_LOGGER = logging.getLogger(__name__)


class Factory:
    """A set of checks; applications add theirs to `FACTORY`.

    `with_automatic`, set by `install()`, adds the automatic checks at the next start.
    """

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self.with_automatic: bool = False
        self._automatic: dict[str, Entry] = {}
        self._included: list[Entry] = []
        self._events = Events()
        self._services = PerLoop(Service)

    def add(
        self,
        check: Check,
        *,
        name: str | None = None,
        tags: list[str] | None = None,
        level: int = 1,
        timeout: float | datetime.timedelta | None = None,
        ttl: float | datetime.timedelta | None = None,
        every: float | datetime.timedelta | None = None,
        severity: Severity = "critical",
        groups: Collection[str] = (),
    ) -> None:
        """Register a check.

        Args:
            check: The check to add.
            name: Its name in responses and metrics; by default `check.name`, with a suffix if that is taken.
            tags: Tags to select it by; by default `check.tags`.
            level: 1 for vital checks, 2 and more for `max_level` of the `health_check` view.
            timeout: Maximum duration of a run in seconds, by default `C2C__HEALTH__TIMEOUT`.
            ttl: Time in seconds for which a result is cached, by default `C2C__HEALTH__TTL`.
            every: Seconds between runs in the background; requests then never wait for the check.
            severity: The effect of a failure: `critical` makes the whole fail, `degrading` is a warning,
                `info` is only displayed.
            groups: Groups it belongs to; `ready` is the readiness probe, `startup` the startup probe.

        Raises:
            TypeError: It is not a check, or an option has the wrong type.
            ValueError: The name is taken, or an option is out of range.
        """
        if not isinstance(check, Check):
            raise TypeError(f"A health check is an instance of Check, got {check!r}")
        if isinstance(tags, str) or isinstance(groups, str):
            raise TypeError("tags and groups of a health check are lists of strings")
        for part in check.parts():
            options = Options(
                name=self._name_of(part, name),
                tags=list(getattr(part, "tags", ()) if tags is None else tags),
                level=level,
                timeout=to_seconds(timeout, "timeout"),
                ttl=to_seconds(ttl, "ttl"),
                every=to_seconds(every, "every"),
                severity="degrading" if severity == "critical" and part.is_replaceable else severity,
                groups=frozenset(groups),
            )
            self._register(self._create(part, options))

    def clear(self) -> None:
        """Remove all checks, for tests."""
        self._entries.clear()
        self._automatic.clear()
        self._included = []
        self.with_automatic = False

    @property
    def service(self) -> Service:
        """The state of this event loop."""
        return self._services.get()

    @property
    def entries(self) -> Sequence[Entry]:
        """The registered checks, in the order of their registration."""
        return (*self._entries.values(), *self._included)

    def select(self, name: str | None = None, tags: str | None = None) -> list[Entry]:
        """Return the checks with this name and any of these tags (comma-separated); all if both are unset."""
        wanted = split(tags)
        return [
            entry
            for entry in self.entries
            if (not name or entry.name == name) and (not wanted or wanted.intersection(entry.options.tags))
        ]

    def in_group(self, group: str) -> list[Entry]:
        """Return the checks of a group."""
        return [entry for entry in self.entries if group in entry.options.groups]

    async def check(self, name: str | None = None, tags: str | None = None) -> GlobalResult:
        """Run the selected checks, or use their cached results.

        Args:
            name: The name of one check; all if empty.
            tags: Comma-separated tags, of which a check must have one; all if empty.
        """
        started = time.monotonic()
        return summary(await outcomes(self.select(name, tags)), started, details=True)

    def automatic(self) -> list[Entry]:
        """Return the automatic checks for the current settings: Redis and the version."""
        wanted: dict[str, tuple[type[Check], bool]] = {
            "redis": (Redis, redis_utils.is_configured()),
            "version": (Version, instances.own().git_hash is not None),
        }
        found = []
        for name, (kind, is_wanted) in wanted.items():
            is_there = name in self._entries or any(isinstance(entry.check, kind) for entry in self.entries)
            if is_there or not is_wanted:
                continue
            if name not in self._automatic:
                self._automatic[name] = self._create(kind(), Options(name=name, level=2))
            found.append(self._automatic[name])
        return found

    async def startup(self) -> None:
        """Start the background checks; those added later start when they are added."""
        service = self.service
        if service.background is not None:
            return
        self._included = []
        self._included = self.automatic() if self.with_automatic else []
        service.background = Background()
        for entry in self.entries:
            service.background.add(entry)

    async def aclose(self) -> None:
        """Stop the background checks and the runs in progress."""
        service = self._services.pop()
        if service is not None and service.background is not None:
            await service.background.aclose()
        for entry in (*self.entries, *self._automatic.values()):
            await entry.aclose()
        await self._events.aclose()

    def _create(self, check: Check, options: Options) -> Entry:
        return Entry(check, options, lambda: self.service.limit, self._on_outcome)

    def _register(self, entry: Entry) -> None:
        self._entries[entry.name] = entry
        service = self._services.peek()
        if service is not None and service.background is not None:
            service.background.add(entry)

    def _name_of(self, check: Check, given: str | None) -> str:
        """Return the name that was given, or one that is free."""
        if given is not None:
            given += check.suffix
            if given in self._entries:
                raise ValueError(f"There is already a health check with the name {given!r}")
            return given
        name = getattr(check, "name", type(check).__name__)
        if name not in self._entries:
            return name
        number = 2
        while f"{name}_{number}" in self._entries:
            number += 1
        _LOGGER.warning("There is already a health check %s: this one is named %s_%s", name, name, number)
        return f"{name}_{number}"

    def _on_outcome(self, entry: Entry, before: Outcome | None, after: Outcome) -> None:
        _metrics.record(entry.name, after)
        self._events.on_outcome(entry, before, after)
        if before is None or before.status != after.status:
            instances.beat_soon()


def split(text: str | None) -> set[str]:
    """Parse comma-separated names."""
    return {name.strip() for name in (text or "").split(",") if name.strip()}


async def outcomes(entries: Iterable[Entry]) -> list[tuple[Entry, Outcome]]:
    """Return the states of the checks, running those that are due concurrently."""
    found = [(entry, entry.fresh()) for entry in entries]
    missing = [entry for entry, outcome in found if outcome is None]
    if missing:
        await asyncio.gather(*(entry.refresh() for entry in missing))
    return [(entry, outcome or entry.last or UNKNOWN) for entry, outcome in found]


def overall(found: Iterable[tuple[Entry, Outcome]], *, unknown: Status = "pass") -> Status:
    """Return the combined state: `fail` if a critical check fails, `warn` for a degrading one or a warning.

    Args:
        found: The states.
        unknown: The state of a critical check that has not run yet.
    """
    return worst_of(
        (entry.options.severity, unknown if outcome.status == "unknown" else outcome.status)
        for entry, outcome in found
    )


def worst_of(found: Iterable[tuple[Severity, Status]]) -> Status:
    """Return one word for states with their severities; what did not run yet counts as `pass`."""
    words = {"warn" if state == ("degrading", "fail") else state[1] for state in found if state[0] != "info"}
    return "fail" if "fail" in words else "warn" if "warn" in words else "pass"


def worst(found: Iterable[tuple[Entry, Outcome]]) -> int:
    """Return the combined status code; only critical checks count."""
    codes = [outcome.status_code for entry, outcome in found if entry.options.severity == "critical"]
    return max(codes, default=200)


def summary(found: Sequence[tuple[Entry, Outcome]], started: float, *, details: bool) -> GlobalResult:
    """Return the combined result."""
    return GlobalResult(
        status_code=worst(found),
        time_taken=time.monotonic() - started,
        entities=[entry.entity(outcome, details=details) for entry, outcome in found],
    )


FACTORY = Factory()
"""The checks of this application."""
