"""The view that lists the running processes."""

from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from c2casgiutils import auth, instances

router = APIRouter(tags=["instances"])


class InstancesResponse(BaseModel):
    """The running processes; `process` as the scope means that only the one that answers is known."""

    scope: Literal["cluster", "process"]
    instances: list[instances.Instance]


@router.get("/instances", name="c2c_instances", dependencies=[Depends(auth.require_read_only_access)])
async def get_instances() -> InstancesResponse:
    """List the running processes."""
    return InstancesResponse(scope=instances.scope(), instances=await instances.roster(samples=True))
