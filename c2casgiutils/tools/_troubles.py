"""What needs attention and is not in the roster: what the process that answers knows, and this request."""

import dataclasses
import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping

from starlette.types import Scope

from c2casgiutils import db, headers, instances, switches
from c2casgiutils.db import _maintenance
from c2casgiutils.switches import Setting
from c2casgiutils.tools import _loggers
from c2casgiutils.tools._attention import Attention

_MAX_LOGGERS = 20


@dataclasses.dataclass(frozen=True)
class Outage:
    """Why Redis is unreachable, empty if it is not known, and since when, if that is known."""

    reason: str
    since: datetime.datetime | None


def outage() -> Outage:
    """Return the present outage of Redis."""
    found = instances.outage()
    if found is None:  # Redis answers, but not with the roster
        return Outage("", _moment(instances.stale_since()))
    reason, seconds = found
    return Outage(reason, None if seconds is None else _moment(switches.now() - seconds))


def find(scope: Scope, levels: Mapping[str, Setting], *, unseen: int = 0) -> Iterable[Attention]:
    """Return what needs attention.

    Args:
        scope: That of the request, on whose way a proxy may be.
        levels: The log levels that are set, by logger.
        unseen: How many processes were known before Redis was unreachable, and cannot be seen now.
    """
    return itertools.chain(_of_redis(unseen), _of_maintenance(), _of_levels(levels), _of_request(scope))


def _of_redis(unseen: int) -> Iterator[Attention]:
    """Return that Redis is unreachable, or that the roster may be incomplete."""
    skipped, refusal = instances.skipped(), instances.refusal()
    if instances.is_cut_off():
        found = outage()
        why = f" ({found.reason})" if found.reason else ""
        others = "1 other process" if unseen == 1 else f"{unseen} other processes"
        checks = f"; the health checks of {others} cannot be seen" if unseen else ""
        yield Attention(
            kind="redis",
            state="degraded",
            subject="Redis",
            since=found.since,
            text=f"Only the process that answers is known: Redis is unreachable{why}{checks}",
            processes=[],
        )
    elif skipped or instances.currency() == "stale":
        text = f"{skipped} entries are not accepted" if skipped else "Some processes may be missing here"
        if refusal:
            text = f"Redis refuses heartbeats, so what is known of other processes is old: {refusal}"
        yield Attention(
            kind="roster",
            state="degraded",
            subject="roster",
            since=_moment(instances.stale_since()),
            text=text,
            processes=[],
        )


def _of_maintenance() -> Iterator[Attention]:
    setting = _maintenance.maintenance()
    if setting is not None:
        yield Attention(
            kind="maintenance",
            state="degraded",
            subject="maintenance",
            since=setting.since_at,
            text=str(db.MaintenanceError(setting)),
            processes=[],
        )


def _of_levels(levels: Mapping[str, Setting]) -> Iterable[Attention]:
    """Return the loggers whose level was set, but whose records no handler of this process writes."""
    unwritten = [
        (name, setting, warning)
        for name, setting in levels.items()
        if (warning := _loggers.read(name).warning) is not None
    ]
    for name, setting, warning in unwritten[:_MAX_LOGGERS]:
        yield _unwritten(name, setting.since_at, f"Log level of {name}: {warning}")
    if others := unwritten[_MAX_LOGGERS:]:
        yield _unwritten("", None, f"Log levels of {len(others)} more loggers: some records are not written")


def _unwritten(name: str, since: datetime.datetime | None, text: str) -> Attention:
    return Attention(
        kind="unwritten",
        state="ok",  # only somebody who reads the log misses something
        subject=name,
        since=since,
        text=text,
        processes=[],
    )


def _of_request(scope: Scope) -> Iterator[Attention]:
    """Return that headers of a proxy are ignored.

    Anybody can send such headers, so they do not degrade the service.
    """
    if unread := headers.unread_forwarded(scope):
        yield Attention(
            kind="proxy",
            state="ok",
            subject="proxy",
            since=None,
            text=f"{', '.join(unread)} sent by a proxy is ignored, so links and client addresses may be "
            "wrong: set C2C__PROXY_HEADERS__TYPE and C2C__PROXY_HEADERS__TRUSTED_HOSTS",
            processes=[],
        )


def _moment(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(int(seconds), tz=datetime.UTC)
