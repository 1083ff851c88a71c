"""The diagnostic view of the last requests."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from c2casgiutils import broadcast, debug
from c2casgiutils.config._types import matches
from c2casgiutils.tools import _debug_access
from c2casgiutils.tools._debug_cluster import ALL, InstanceName, Question
from c2casgiutils.tools._query import MAX_LENGTH

router = APIRouter(tags=["debug"], dependencies=_debug_access.ADMIN)

MAX_SHOWN = 500
"""Maximum number of requests in an answer."""


class ExchangesResponse(BaseModel):
    """The last requests, newest first."""

    exchanges: list[debug.Exchange]
    cluster: broadcast.ClusterReport


async def _collect(
    *,
    status: str = "",
    route: str = "",
    min_ms: float = 0.0,
    limit: int = MAX_SHOWN,
    **_of_newer_releases: Any,
) -> debug.Exchanges:
    return debug.read_exchanges(status=status, route=route, min_ms=min_ms, limit=limit)


EXCHANGES = Question("c2c_debug_exchanges", _collect, debug.Exchanges)


@router.get("/exchanges", name="c2c_debug_exchanges")
async def get_exchanges(
    status: Annotated[
        str,
        matches(f"|{debug.STATUS_PATTERN}", "503, or 5xx for a whole class"),
        Query(description="`503`, or `5xx` for a whole class."),
    ] = "",
    route: Annotated[str, Query(max_length=MAX_LENGTH, description="Part of the template of the path.")] = "",
    min_ms: Annotated[
        float, Query(ge=0, allow_inf_nan=False, description="Shortest duration, in milliseconds.")
    ] = 0.0,
    limit: Annotated[int, Query(ge=1, le=MAX_SHOWN, description="Maximum number.")] = 100,
    instance: InstanceName = ALL,
) -> ExchangesResponse:
    """Return the last requests of all processes, or of one; each process keeps 200."""
    return await find(status, route, min_ms, limit, instance)


async def find(status: str, route: str, min_ms: float, limit: int, instance: str = ALL) -> ExchangesResponse:
    """Return the last requests of the processes that are asked, newest first.

    Args:
        status: See `debug.read_exchanges`.
        route: See there.
        min_ms: See there.
        limit: Maximum number.
        instance: `self`, `all` or the id of a process.
    """
    found = await EXCHANGES.ask(instance, status=status, route=route, min_ms=min_ms, limit=limit)
    exchanges = [exchange for answer in found.answers for exchange in answer.exchanges]
    exchanges.sort(key=lambda exchange: exchange.at, reverse=True)
    return ExchangesResponse(exchanges=exchanges[:limit], cluster=found.cluster)
