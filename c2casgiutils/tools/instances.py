"""The view that lists the running processes."""

from typing import Any

from fastapi import APIRouter, Depends

from c2casgiutils import auth, instances

router = APIRouter(tags=["instances"])


@router.get("/instances", name="c2c_instances", dependencies=[Depends(auth.require_read_only_access)])
async def get_instances() -> dict[str, Any]:
    """List the running processes."""
    return {"scope": instances.scope(), "instances": await instances.roster()}
