"""Draining as a kind of switch: set in single processes, until they end."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from c2casgiutils import broadcast, instances, switches
from c2casgiutils.health_checks._factory import FACTORY
from c2casgiutils.instances import DrainState
from c2casgiutils.switches import Setting, SwitchReport
from c2casgiutils.switches._report import Confirmation

MAX_SECONDS = 86_400.0

_ALL = "c2c_drain"
_READINESS = "c2c_readiness"
_READINESS_SECONDS = 1.0


class _Readiness(BaseModel):
    id: str
    is_ready: bool


class Draining(switches.Kind):
    """Whether this process is taken out of service."""

    name = "drain"

    def apply(self, changes: Mapping[str, Setting | None]) -> None:
        """See `Kind.apply`."""
        for setting in changes.values():
            if setting is None:
                FACTORY.service.drain.end()
            else:
                state = DrainState(
                    since=setting.since_at, until=setting.expires_at, by=setting.by, reason=setting.reason
                )
                FACTORY.service.drain.begin(state)


async def subscribe() -> None:
    """Follow requests for all processes that serve requests, and report the drain in the roster."""
    instances.register_beat("drain", lambda: FACTORY.service.drain.state)
    await broadcast.subscribe(_ALL, _on_request)
    await broadcast.subscribe(_READINESS, _readiness)


async def unsubscribe() -> None:
    """Stop following them."""
    await broadcast.unsubscribe(_ALL)
    await broadcast.unsubscribe(_READINESS)


async def drain(
    ids: Collection[str] | None,
    *,
    seconds: float | None = None,
    by: str | None = None,
    reason: str | None = None,
) -> tuple[list[str], SwitchReport]:
    """Take processes out of service, and return which of them confirmed it.

    Args:
        ids: Their ids; `None` for all processes that serve requests.
        seconds: Time after which they are ready again; by default they stay out of service.
        by: Who requests it.
        reason: Why.
    """
    if ids is None:
        return await _request({"is_wanted": True, "seconds": seconds, "by": by, "reason": reason})
    change = await switches.put(Draining.name, "", value=True, ttl=seconds, by=by, reason=reason, to=ids)
    return _result(ids, change)


async def undrain(ids: Collection[str] | None, *, by: str | None = None) -> tuple[list[str], SwitchReport]:
    """Put processes back into service, and return which of them confirmed it; see `drain`."""
    if ids is None:
        return await _request({"is_wanted": False, "by": by})
    return _result(ids, await switches.remove(Draining.name, "", by=by, to=ids))


async def is_last(ids: Collection[str]) -> bool:
    """Return whether no other process is ready, after these were drained.

    Of processes that are drained at the same moment each finds the other ones ready before, and not all do
    afterwards, as the processes are asked: their heartbeats may not tell it yet. One that does not answer is
    not ready. False if the processes are not known for certain.
    """
    reply = await broadcast.ask(
        _READINESS, _readiness, timeout=_READINESS_SECONDS, or_alone=True, answer=_Readiness
    )
    return reply.report.roster == "current" and not any(
        answer.is_ready and answer.id not in ids for answer in reply.payloads
    )


def reached(report: SwitchReport) -> Literal["cluster", "process"]:
    """Return whether a request for all processes went to all of them, or only to this one.

    Args:
        report: Of the request; if Redis was unreachable, it is that of this process alone.
    """
    is_alone = report.alive == 1 and report.roster == "stale"
    return "process" if is_alone else switches.scope()


def _result(ids: Collection[str], change: switches.Change) -> tuple[list[str], SwitchReport]:
    is_complete = change.report.complete and set(ids) <= set(change.instances)
    return list(change.instances), change.report.model_copy(update={"complete": is_complete})


async def _request(params: Mapping[str, Any]) -> tuple[list[str], SwitchReport]:
    """Send a request to all processes, as a list of their ids may lack some that are connected."""
    reply = await broadcast.ask(_ALL, _on_request, params, or_alone=True, answer=Confirmation)
    return [answer.id for answer in reply.payloads], SwitchReport.of_reply(reply, 0)


async def _readiness(**_of_newer_releases: Any) -> _Readiness:
    is_ready = instances.state() == "ready" and not instances.own().script
    return _Readiness(id=instances.own_id(), is_ready=is_ready)


async def _on_request(
    *,
    is_wanted: bool,
    seconds: float | None = None,
    by: str | None = None,
    reason: str | None = None,
    **_of_newer_releases: Any,
) -> Confirmation:
    own = [instances.own_id()]
    await (drain(own, seconds=seconds, by=by, reason=reason) if is_wanted else undrain(own, by=by))
    return Confirmation.of_this_process(switches.version())
