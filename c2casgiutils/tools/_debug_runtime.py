"""The view of what the processes run: their start, pools, migrations and periodic tasks."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from c2casgiutils import auth, broadcast, debug
from c2casgiutils.tools._debug_cluster import ALL, InstanceName, Question

router = APIRouter(tags=["debug"], dependencies=[Depends(auth.require_read_only_access)])


class RuntimeResponse(BaseModel):
    """What the processes run, and which processes gave no answer."""

    processes: list[debug.Runtime]
    cluster: broadcast.ClusterReport


async def _collect(**_: Any) -> debug.Runtime:
    return debug.runtime()


QUESTION = Question("c2c_debug_runtime", _collect, debug.Runtime)


@router.get("/runtime", name="c2c_runtime")
async def get_runtime(instance: InstanceName = ALL) -> RuntimeResponse:
    """Return the steps of the start with their durations, the pools, migrations and periodic tasks."""
    found = await QUESTION.ask(instance)
    processes = sorted(found.answers, key=lambda process: process.instance)
    return RuntimeResponse(processes=processes, cluster=found.cluster)
