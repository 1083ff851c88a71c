"""What a request leaves in memory."""

import gc
import os
from collections import Counter
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from c2casgiutils import _proc
from c2casgiutils.debug._budget import Budget
from c2casgiutils.debug._memory import count_types
from c2casgiutils.debug._objects import type_name


class GrowthReport(BaseModel):
    """The difference that a request made; the names are those of c2cwsgiutils."""

    model_config: ClassVar[ConfigDict] = ConfigDict(serialize_by_alias=True)

    instance: str
    status: int = Field(description="status of the answer to the request")
    elapsed_time: float = Field(description="duration of the request, in seconds")
    memory_growth: dict[str, float] = Field(
        serialization_alias="memory.growth", description="by kind, in kB; empty on systems without `/proc`"
    )
    objgraph_growth: list[tuple[str, int, int]] = Field(
        serialization_alias="objgraph.growth",
        description="types of which there are more: name, number, growth",
    )


class Growth:
    """Counts the objects of the process by type, before and after a request.

    Each method takes up to 5 seconds and is called in the same thread.

    Args:
        limit: Maximum number of types.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Both exist before the first count, which would miss the second one otherwise.
        self._before = Counter[type]()
        self._after = Counter[type]()
        self._memory: dict[str, int] = {}

    def prepare(self) -> None:
        """Count in vain: a first count fills caches of the interpreter, and starts the thread.

        Raises:
            TimeIsUpError: There are too many.
        """
        _count(Counter())

    def begin(self) -> None:
        """Count the objects before the request.

        Raises:
            TimeIsUpError: There are too many.
        """
        self._memory = _proc.memory_kinds(os.getpid())
        _count(self._before)

    def end(self) -> tuple[dict[str, float], list[tuple[str, int, int]]]:
        """Count again, and return the growth of the memory in kB, and of the types that grew most.

        Raises:
            TimeIsUpError: There are too many.
        """
        _count(self._after)
        memory = _proc.memory_kinds(os.getpid())
        kinds = {f"{kind}_kb": (size - self._memory.get(kind, 0)) / 1024 for kind, size in memory.items()}
        grown = [
            (type_name(kind), count, count - self._before[kind])
            for kind, count in self._after.items()
            if count > self._before[kind]
        ]
        return kinds, sorted(grown, key=lambda row: (-row[2], row[0]))[: self._limit]


def _count(counts: Counter[type]) -> None:
    gc.collect()
    counts.update(count_types(gc.get_objects(), Budget()))
