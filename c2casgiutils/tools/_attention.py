"""What needs the attention of an operator, in all processes, grouped by cause."""

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from pydantic import BaseModel, Field

from c2casgiutils import instances
from c2casgiutils._names import listed
from c2casgiutils.instances import DrainState, Instance
from c2casgiutils.switches import Setting
from c2casgiutils.tools import _unlike

Kind = Literal[
    "check",
    "late",
    "lost",
    "draining",
    "versions",
    "unlike",
    "level",
    "partial",
    "redis",
    "roster",
    "maintenance",
    "unwritten",
    "proxy",
]
State = Literal["ok", "degraded", "down"]

_WORST_FIRST: tuple[State, ...] = ("down", "degraded", "ok")
_MAX_LEVELS = 50
_MAX_NAMED = 3
_A_MOMENT = datetime.timedelta(seconds=2)
"""For a change to arrive."""


class Attention(BaseModel):
    """Something that an operator should know."""

    kind: Kind
    state: State = Field(
        description="What it means for the service: `ok` for what somebody wanted, as a level that is set"
    )
    subject: str = Field(description="The name of the check or logger, the id of the process")
    since: datetime.datetime | None = Field(description="By the clock of Redis; null if it is not known")
    text: str
    processes: list[str] = Field(description="The ids of the processes that it concerns")
    remedy: Literal["", "stacks", "memory", "loop", "undrain"] = Field(
        default="", exclude=True, description="What the page offers for it, see `_problems`"
    )


def worst(found: Iterable[Attention]) -> State:
    """Return the state of the whole service."""
    states = {item.state for item in found}
    for state in _WORST_FIRST:
        if state in states:
            return state
    return "ok"


def find(
    roster: Collection[Instance],
    levels: Mapping[str, Setting],
    *,
    version: int,
    now: datetime.datetime,
    troubles: Iterable[Attention] = (),
    is_cut_off: bool = False,
) -> list[Attention]:
    """Return what needs attention, the worst first.

    Args:
        roster: All processes, with those that are lost.
        levels: The log levels that are set, by logger.
        version: The version of the desired state.
        now: The time of Redis.
        troubles: What the roster does not tell, see `_troubles`.
        is_cut_off: Redis is unreachable, so other processes may exist that cannot be seen.
    """
    living = [instance for instance in roster if instance.liveness != "lost"]
    found = [
        *troubles,
        *_checks(living, is_cut_off=is_cut_off),
        *_silent(roster, now),
        *_draining(living),
        *_versions(living),
        *_odd(living),
        *_partial(living, version, now),
        *_levels(levels),
    ]
    return sorted(
        found, key=lambda item: (_WORST_FIRST.index(item.state), item.kind, not item.subject, item.subject)
    )


def name_of(instance: Instance) -> str:
    """Return a process as people write it."""
    return f"{instance.pid} on {instance.hostname}"


def name_of_id(instance_id: str) -> str:
    """Return a process of which only the id is known as people write it, and any other word as it is."""
    hostname, pid = instances.read_id(instance_id)
    return hostname if pid is None else f"{pid} on {hostname}"


def share_of(found: int, having: int, checked: int, *, is_cut_off: bool) -> str:
    """Return how many of the processes have a check in some state, as people write it.

    Args:
        found: The number of processes that have it in this state.
        having: The number of those that have the check; during a deployment not all do.
        checked: The number of those that have any check.
        is_cut_off: Others cannot be seen.
    """
    with_it = " with this check" if having < checked else ""
    return f"{found} of {having}{with_it}{' that can be seen' if is_cut_off else ''}"


def version_of(version: str, git_hash: str) -> str:
    """Return a version of the application as people write it."""
    return " ".join(part for part in (version, git_hash[:7]) if part) or "no version"


def is_behind(instance: Instance, version: int, now: datetime.datetime) -> bool:
    """Return whether a process lacks a change, as far as its heartbeats tell.

    Who has not beaten since the change may have it, unless the next heartbeat does not come.

    Args:
        instance: The process.
        version: The version of the change, or of the whole desired state.
        now: The time of Redis.
    """
    if instance.applied is None or instance.applied >= version:
        return False
    beat = now - datetime.timedelta(seconds=instance.beat_age_seconds)
    return instance.liveness != "ok" or beat > _changed_at(version) + _A_MOMENT


def _changed_at(version: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(version // 1000, tz=datetime.UTC)  # a version is a time


def _checks(living: Collection[Instance], *, is_cut_off: bool) -> Iterator[Attention]:
    names = dict.fromkeys(name for instance in living for name in instance.checks)
    checked = sum(bool(instance.checks) for instance in living)
    for name in names:
        having = [instance for instance in living if name in instance.checks]
        for word, status in (("down", "fail"), ("degraded", "warn")):
            bad = [one for one in having if one.checks[name].status == status]
            if not bad or all(one.checks[name].severity == "info" for one in bad):
                continue
            critical = any(one.checks[name].severity == "critical" for one in bad)
            share = share_of(len(bad), len(having), checked, is_cut_off=is_cut_off)
            names_of_bad = listed(map(name_of, bad), most=_MAX_NAMED)
            is_everywhere = len(bad) == checked and not is_cut_off
            where = f"everywhere ({share})" if is_everywhere else f"in {share}: {names_of_bad}"
            reason = next((f": {text}" for one in bad if (text := one.checks[name].reason)), "")
            yield Attention(
                kind="check",
                state="down" if status == "fail" and critical else "degraded",
                subject=name,
                since=_first(one.checks[name].since for one in bad),
                text=f"Health check {name} is {word} {where}{reason}",
                processes=[one.id for one in bad],
            )


def _silent(roster: Iterable[Instance], now: datetime.datetime) -> Iterator[Attention]:
    for instance in roster:
        if instance.liveness == "ok":
            continue
        last = (now - datetime.timedelta(seconds=instance.beat_age_seconds)).replace(microsecond=0)
        texts = {
            "late": f"Process {name_of(instance)}: no heartbeat since {last:%H:%M:%S} UTC",
            "lost": f"Process {name_of(instance)}: no heartbeat since {last:%H:%M:%S} UTC, no clean shutdown",
        }
        yield Attention(
            kind=instance.liveness,
            state="degraded",
            subject=instance.id,
            since=last,
            text=texts[instance.liveness],
            processes=[instance.id],
            remedy="stacks",  # a thread answers while the event loop is blocked
        )


def _draining(living: Iterable[Instance]) -> Iterator[Attention]:
    for instance in living:
        if instance.state in ("draining", "stopping"):
            drain = instance.drain
            is_final = drain is not None and drain.is_final
            yield Attention(
                kind="draining",
                state="ok",
                subject=instance.id,
                since=None if drain is None else drain.since,
                text=f"Process {name_of(instance)} is {instance.state}{_about(drain)}",
                processes=[instance.id],
                remedy="undrain" if instance.state == "draining" and not is_final else "",
            )


def _about(drain: DrainState | None) -> str:
    """Return by whom a process was taken out of service, until when and why, as the end of a sentence."""
    if drain is None:
        return ""
    by = f" by {drain.by}" if drain.by else ""
    end = "it is undrained" if drain.until is None else f"{drain.until:%H:%M:%S} UTC"
    why = f": {drain.reason}" if drain.reason else ""
    return f"{by}, until {'it stops' if drain.is_final else end}{why}"


def _versions(living: Iterable[Instance]) -> Iterator[Attention]:
    groups: dict[tuple[str, str], list[Instance]] = {}
    for instance in living:
        if not instance.script:
            groups.setdefault((instance.version, instance.git_hash or ""), []).append(instance)
    if len(groups) < 2:  # noqa: PLR2004  # different ones
        return
    counts = [f"{version_of(*key)} in {len(group)}" for key, group in sorted(groups.items())]
    starts = sorted(min(one.started for one in group) for group in groups.values())
    smallest = min(groups.values(), key=len)
    yield Attention(
        kind="versions",
        state="degraded",
        subject="versions",
        since=starts[1],
        text=f"Different versions run: {', '.join(counts)}",
        processes=[one.id for one in smallest],
    )


def _odd(living: Collection[Instance]) -> Iterator[Attention]:
    for found in _unlike.find(living):
        yield Attention(
            kind="unlike",
            state="degraded",
            subject=found.instance.id,
            since=found.since,
            text=f"Process {name_of(found.instance)}: {found.text}",
            processes=[found.instance.id],
            remedy=found.remedy,
        )


def _partial(living: Collection[Instance], version: int, now: datetime.datetime) -> Iterator[Attention]:
    told = [instance for instance in living if instance.applied is not None]
    behind = [one for one in told if is_behind(one, version, now)]
    if behind:
        named = [f"{name_of(one)}{'' if one.liveness == 'ok' else ' (late)'}" for one in behind]
        yield Attention(
            kind="partial",
            state="degraded",
            subject="changes",
            since=_changed_at(version),
            text=f"{len(told) - len(behind)} of {len(told)} have the last change: "
            f"not yet {listed(named, most=_MAX_NAMED)}",
            processes=[one.id for one in behind],
        )


def _levels(levels: Mapping[str, Setting]) -> Iterator[Attention]:
    settings = list(levels.items())
    for name, setting in settings[:_MAX_LEVELS]:
        by = f" by {setting.by}" if setting.by else ""
        why = f": {setting.reason}" if setting.reason else ""
        end = setting.expires_at
        until = f", until {end:%H:%M:%S} UTC" if end is not None else ", without an end"
        yield Attention(
            kind="level",
            state="ok",
            subject=name,
            since=setting.since_at,
            text=f"Logger {name} is at {setting.value}{by}{until}{why}",
            processes=[],
        )
    if others := settings[_MAX_LEVELS:]:
        yield Attention(
            kind="level",
            state="ok",
            subject="",
            since=_first(setting.since_at for _, setting in others),
            text=f"The levels of {len(others)} more loggers are set",
            processes=[],
        )


def _first(moments: Iterable[datetime.datetime | None]) -> datetime.datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
