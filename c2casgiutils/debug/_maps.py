"""The memory mappings of a process."""

import os
import socket

from pydantic import BaseModel, Field

from c2casgiutils import _proc, instances

_MAX_MAPS = 1_000


class MemoryMap(BaseModel):
    """The mappings of one name."""

    name: str
    size_kb: float
    rss_kb: float
    pss_kb: float = Field(description="proportional share of the pages that several processes map")


class ProcessMaps(BaseModel):
    """The mappings of a process; empty on systems without `/proc`."""

    instance: str
    hostname: str
    pid: int
    memory_maps: list[MemoryMap]
    left_out: int = Field(description=f"mappings beyond the {_MAX_MAPS} largest")


def describe() -> ProcessMaps:
    """Return the mappings of this process by name, the largest first; called in a thread."""
    maps = _proc.own_memory_maps()
    shown = [
        MemoryMap(name=one.name, size_kb=one.size / 1024, rss_kb=one.rss / 1024, pss_kb=one.pss / 1024)
        for one in maps[:_MAX_MAPS]
    ]
    return ProcessMaps(
        instance=instances.own_id(),
        hostname=socket.gethostname(),
        pid=os.getpid(),
        memory_maps=shown,
        left_out=len(maps) - len(shown),
    )
