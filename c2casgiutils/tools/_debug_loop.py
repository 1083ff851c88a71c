"""The diagnostic view of the event loops."""

from fastapi import APIRouter
from pydantic import BaseModel

from c2casgiutils import broadcast, debug
from c2casgiutils.tools import _debug_access
from c2casgiutils.tools._debug_cluster import ALL, InstanceName, Question

router = APIRouter(tags=["debug"])


class LoopResponse(BaseModel):
    """The event loops of the processes, and which processes gave no answer."""

    processes: list[debug.LoopReport]
    cluster: broadcast.ClusterReport


async def _collect(**_: object) -> debug.LoopReport:
    return debug.loop()


QUESTION = Question("c2c_debug_loop", _collect, debug.LoopReport)


@router.get("/loop", name="c2c_debug_loop", dependencies=_debug_access.READ_ONLY)
async def get_loop(instance: InstanceName = ALL) -> LoopResponse:
    """Return how late the event loops of the processes run callbacks, and what blocked them."""
    found = await QUESTION.ask(instance)
    return LoopResponse(
        processes=sorted(found.answers, key=lambda report: report.instance), cluster=found.cluster
    )
