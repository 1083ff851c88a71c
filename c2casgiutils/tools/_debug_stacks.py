"""The diagnostic view of the stacks of threads and tasks."""

from fastapi import APIRouter

from c2casgiutils import broadcast, debug
from c2casgiutils.tools import _debug_access
from c2casgiutils.tools._debug_cluster import ALL, InstanceName, Question

router = APIRouter(tags=["debug"])


class StacksResponse(debug.Stacks):
    """The stacks of the processes, and which processes gave no answer."""

    cluster: broadcast.ClusterReport


async def _collect(**_: object) -> debug.Stacks:
    return debug.stacks()


QUESTION = Question(debug.STACKS_CHANNEL, _collect, debug.Stacks, with_blocked=True)


@router.get("/stacks", name="c2c_debug_stacks", dependencies=_debug_access.ADMIN)
async def get_stacks(instance: InstanceName = ALL) -> StacksResponse:
    """Return what the threads and the asyncio tasks of the processes run or wait for, without variables.

    A process whose event loop is blocked answers, too.
    """
    found = await QUESTION.ask(instance)
    merged = debug.merge_stacks(found.answers)
    return StacksResponse(groups=merged.groups, left_out=merged.left_out, cluster=found.cluster)
