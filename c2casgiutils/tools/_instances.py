"""The view that lists the running processes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from c2casgiutils import auth, instances

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
) -> InstancesResponse:
    """Return the running processes."""
    found = await instances.roster(samples=samples)
    return InstancesResponse(
        scope=instances.scope(),
        roster="stale" if instances.is_cut_off() else instances.currency(),
        skipped=instances.skipped(),
        instances=found,
    )
