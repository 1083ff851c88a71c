"""The HTTP views."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

from c2casgiutils import auth, instances
from c2casgiutils._asgi import NOT_CACHED
from c2casgiutils._names import listed
from c2casgiutils.health_checks import _cluster, _draining, _lifecycle
from c2casgiutils.health_checks._c2cwsgiutils import health_check
from c2casgiutils.health_checks._drain import DrainRefused
from c2casgiutils.health_checks._endpoint import HealthRoute, health_checks
from c2casgiutils.health_checks._model import GlobalResult
from c2casgiutils.switches import SwitchReport
from c2casgiutils.switches._reason import Reason

router: APIRouter = APIRouter()
"""`/`, with and without the trailing slash, and `/cluster`; include it with a prefix such as `/health`."""
mount_router: APIRouter = APIRouter()
"""The views beside `/health/` in the mounted application."""

_EVERY = "all"
_MAX_NAMED = 20
_QUERY = {
    "name": "The name of one check",
    "tags": "Comma-separated tags, of which a check must have one",
    "strict": "Respond with 404 to an unknown name or tag",
}
_DOCUMENTED = {
    "parameters": [
        {"in": "query", "name": name, "description": text, "schema": {"type": "string"}}
        for name, text in _QUERY.items()
    ]
}


async def health_cluster(
    response: Response,
    history: Annotated[
        bool, Query(description="Ask all processes, for the last results of each check")
    ] = False,
    check: Annotated[str | None, Query(description="The name of one check; by default all")] = None,
    id: Annotated[str, Query(description="The id of the only process")] = "",  # noqa: A002  # the parameter
) -> _cluster.ClusterHealth:
    """Return the state of each check in each process, and who is silent."""
    response.headers.update(NOT_CACHED)
    if id:
        await _find(id, with_lost=True)
    answer = await _cluster.matrix(history=history, check=check or None, id_=id or None)
    if check and not answer.checks:
        await _require_known(check, id)
    return answer


async def _require_known(check: str, id_: str) -> None:
    """Refuse a check that no process has, or not the only one that was asked for."""
    roster = [one for one in await instances.roster() if id_ in ("", one.id)]
    known = {name for one in roster for name in one.checks}
    if check in known:
        return
    if instances.is_cut_off():
        raise HTTPException(503, "Redis is unreachable: checks of other processes cannot be seen")
    raise HTTPException(404, f"Unknown check; known: {listed(sorted(known), most=_MAX_NAMED) or 'none'}")


class DrainRequest(BaseModel):
    """The process to take out of service, and the duration."""

    instance: str | None = Field(
        default=None, description="The id of a process, `all`, or null for the responding process"
    )
    seconds: float | None = Field(
        default=None,
        gt=0,
        le=_draining.MAX_SECONDS,
        allow_inf_nan=False,
        description="Ready again after this time, in seconds",
    )
    reason: Reason | None = Field(default=None, description="Shown while the process drains")
    force: bool = Field(default=False, description="Even if no other process would be ready")


class DrainReply(BaseModel):
    """The processes that changed their state."""

    drained: list[str] = []
    scope: str = Field(
        description="`cluster` for all processes, `process` for the responding one, also if no other one "
        "could be asked, or the id of the only process it applies to"
    )
    cluster: SwitchReport


async def drain(
    request: Request,
    wanted: DrainRequest | None = None,
) -> DrainReply:
    """Take processes out of service: their readiness probe fails, while requests are still served."""
    wanted = wanted or DrainRequest()
    ids = await _targets(wanted.instance)
    target = wanted.instance or instances.own().id
    if not wanted.force:
        await _require_others(ids, request, target)
    before = await _draining_now(ids)
    recorded = auth.audit.recorded(
        "drain",
        request=request,
        target=target,
        before=_told(before),
        after=_told(ids, wanted.seconds, wanted.reason),
    )
    async with recorded as record:
        to = None if wanted.instance == _EVERY else ids
        done, report = await _draining.drain(to, seconds=wanted.seconds, by=record.by, reason=wanted.reason)
        record.after = _told(done, wanted.seconds, wanted.reason)
        record.result = _result(wanted.instance, report)
        if not wanted.force and (new := set(done) - before) and await _draining.is_last(ids):
            await _draining.undrain(new, by=record.by)
            record.after = _told(before)
            raise HTTPException(409, _lifecycle.DRAINED_TOGETHER)
    return DrainReply(drained=done, scope=_scope(wanted.instance, report), cluster=report)


async def undrain(
    request: Request,
    instance: Annotated[
        str | None, Query(description="The id of a process, `all`, or omitted for the responding process")
    ] = None,
) -> DrainReply:
    """Put processes back into service."""
    ids = await _targets(instance)
    before = await _draining_now(ids)
    recorded = auth.audit.recorded(
        "undrain",
        request=request,
        target=instance or instances.own().id,
        before=_told(before),
        after=_told([]),
    )
    async with recorded as record:
        to = None if instance == _EVERY else ids
        done, report = await _draining.undrain(to, by=record.by)
        record.after = _told(before - set(done))
        record.result = _result(instance, report)
    return DrainReply(scope=_scope(instance, report), cluster=report)


def _scope(instance: str | None, report: SwitchReport) -> str:
    if instance == _EVERY:
        return _draining.reached(report)
    return instance or "process"


def _result(instance: str | None, report: SwitchReport) -> str:
    return "ok" if instance != _EVERY and report.is_confirmed else report.result


async def _require_others(ids: set[str], request: Request, target: str) -> None:
    try:
        await _lifecycle.require_others(ids)
    except DrainRefused as error:
        await auth.audit.record("drain", request=request, target=target, result="refused", kind="refusals")
        raise HTTPException(409, str(error)) from error


async def _draining_now(ids: set[str]) -> set[str]:
    return ids & {entry.id for entry in await instances.roster() if entry.state == "draining"}


def _told(draining: Iterable[str], seconds: float | None = None, reason: str | None = None) -> str:
    """Return the draining processes as text, for the audit log."""
    text = ", ".join(sorted(draining)) or "none"
    text += "" if seconds is None else f" for {seconds:g} s"
    return text if reason is None else f"{text}: {reason}"


async def _targets(instance: str | None) -> set[str]:
    if instance is None:
        return {instances.own().id}
    if instance == _EVERY:
        return {member.id for member in await instances.living() if not member.script}
    return {(await _find(instance)).id}


async def _find(id_: str, *, with_lost: bool = False) -> instances.Instance:
    try:
        return await instances.find(id_, with_lost=with_lost)
    except instances.UnknownInstanceError as error:
        raise HTTPException(404, str(error)) from error


def _add(target: APIRouter, path: str, view: Any, *, name: str, shown: bool = True, **options: Any) -> None:
    """Add a route for GET and HEAD, of which the schema shows only GET.

    The first route serves all requests, so that a 405 response lists both methods.
    """
    target.add_api_route(path, view, methods=["GET", "HEAD"], name=name, include_in_schema=False, **options)
    if shown:
        target.add_api_route(path, view, methods=["GET"], name=name, **options)


_HEALTH: dict[str, Any] = {
    "response_model": GlobalResult,
    "openapi_extra": _DOCUMENTED,
    "route_class_override": HealthRoute,
}
_READ = [Depends(auth.require_read_only_access)]
_ADMIN = [Depends(auth.require_admin_access)]
_add(router, "/", health_checks, name="c2c_health_checks", **_HEALTH)
_add(router, "", health_checks, name="c2c_health_checks", shown=False, **_HEALTH)
_add(router, "/cluster", health_cluster, name="c2c_health_cluster", dependencies=_READ)
_add(mount_router, "/health_checks", health_checks, name="c2c_health_checks", **_HEALTH)
_add(mount_router, "/health_checks/", health_checks, name="c2c_health_checks", shown=False, **_HEALTH)
_add(mount_router, "/health_check", health_check, name="c2c_health_check")
_add(mount_router, "/health_check/", health_check, name="c2c_health_check", shown=False)
mount_router.add_api_route("/drain", drain, methods=["POST"], name="c2c_drain", dependencies=_ADMIN)
mount_router.add_api_route("/drain", undrain, methods=["DELETE"], name="c2c_undrain", dependencies=_ADMIN)
