"""When the processes of a service know each other."""

from collections.abc import Collection

import httpx


def is_settled(answer: httpx.Response, pids: Collection[int]) -> bool:
    """Return whether the list of the processes has all of these, and is current.

    It is stale for the first second, and again when a process of a busy machine is so late with its beat that
    another one removes it: no report of the cluster is complete then.

    Args:
        answer: Of the view of the processes.
        pids: The processes that the test has started.
    """
    found = answer.json()
    return found["roster"] == "current" and {*pids} <= {process["pid"] for process in found["instances"]}
