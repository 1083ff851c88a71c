"""The view that lists the running processes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, Field

from c2casgiutils import auth, instances
from c2casgiutils.tools import _process_rows
from c2casgiutils.tools._query import MAX_LENGTH, one_of

router = APIRouter(tags=["instances"])


class InstancesResponse(BaseModel):
    """The running processes."""

    scope: Literal["cluster", "process"] = Field(
        description="`process` if only the responding one is known: Redis is not used or unreachable"
    )
    roster: Literal["current", "stale"] = Field(description="`stale` while some processes may be missing")
    skipped: int = Field(
        description="processes left out because their entries in Redis are malformed, too large or not signed"
    )
    instances: list[instances.Instance]


@router.get("/instances", name="c2c_instances", dependencies=[Depends(auth.require_read_only_access)])
async def get_instances(
    samples: Annotated[
        bool, Query(description="With the figures at the last 60 beats, most of the answer")
    ] = True,
    id: Annotated[str, Query(description="The id of the only one")] = "",  # noqa: A002  # as in the page
    q: Annotated[
        str,
        Query(max_length=MAX_LENGTH, description="Part of the name, id, version, commit or a failing check"),
    ] = "",
    state: Annotated[str, one_of(_process_rows.SHAPES), Query(description="One of its states")] = "",
    sort: Annotated[str, one_of(_process_rows.COLUMNS), Query(description="A column of the page")] = "",
) -> InstancesResponse:
    """Return the running processes, filtered and sorted as the page does it."""
    found = await instances.roster(samples=samples or bool(sort))  # figures are made from the samples
    if id:
        found = [one for one in found if one.id == id] or [await _find(id)]
    if q or state or sort:
        rows = _process_rows.rows_of(found, sort=sort or "name")
        found = [row.instance for row in _process_rows.matching(rows, text=q.strip(), state=state)]
    if not samples:
        found = [one.model_copy(update={"samples": []}) for one in found]
    return InstancesResponse(
        scope=instances.scope(),
        roster="stale" if instances.is_cut_off() else instances.currency(),
        skipped=instances.skipped(),
        instances=found,
    )


async def _find(id_: str) -> instances.Instance:
    try:
        return await instances.find(id_, with_lost=True)
    except instances.UnknownInstanceError as error:
        raise HTTPException(404, str(error)) from error
