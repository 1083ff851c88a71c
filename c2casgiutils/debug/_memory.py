"""What uses the memory of a process: its objects by type, and the largest of one type.

Only objects that the garbage collector tracks are seen: containers and instances, not texts and numbers.
"""

import contextlib
import gc
import heapq
import linecache
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from c2casgiutils import instances
from c2casgiutils.debug._budget import Budget, TimeIsUpError
from c2casgiutils.debug._objects import Sizes, is_module, namespace_of, referents, type_name

DEFAULT_LIMIT = 30
MAX_LIMIT = 100
LINECACHE = "linecache"
"""The source lines that the interpreter keeps for tracebacks; looked at like a type."""
_DICT = "builtins.dict"
_FUNCTION = "builtins.function"
_MAX_PARTS_AT_FIRST = 200
_MAX_REFERENCED = 2_000_000
"""To find objects without references takes 50 bytes for each, and there may be little memory left."""
_CANDIDATES = 2
"""How many objects are measured with more of their parts, for each one that is shown."""


def _is_unset(value: object) -> bool:
    return value is None


class BigObject(BaseModel):
    """An object with all that it refers to. Its value is not shown, as it may be a secret."""

    size_kb: float
    id: int = Field(description="for `analyze_id` of `show_refs.dot`")
    partial: Literal[True] | None = Field(
        default=None, exclude_if=_is_unset, description="not all parts were counted"
    )


class BigFile(BaseModel):
    """A file whose source lines are kept in memory."""

    filename: str
    size_kb: float


class ModuleFunctions(BaseModel):
    """The number of functions that a module defines."""

    module: str
    nb_func: int


class Analysis(BaseModel):
    """The objects of one type."""

    count: int
    biggest_objects: list[BigObject] | list[BigFile] | None = Field(default=None, exclude_if=_is_unset)
    modules: list[ModuleFunctions] | None = Field(default=None, exclude_if=_is_unset)


class ProcessMemory(BaseModel, extra="allow"):
    """What uses the memory of a process; the analysis of a type stands under its name."""

    instance: str
    hostname: str
    pid: int
    nb_collected: list[int] = Field(
        default=[], description="objects that the collection of each generation freed"
    )
    most_common_types: list[tuple[str, int]] = []
    leaking_objects: list[tuple[str, int]] = Field(
        default=[], description="objects that no tracked object refers to, which running functions may hold"
    )
    timeout: Literal[True] | None = Field(
        default=None, exclude_if=_is_unset, description="what is missing took too long"
    )


def describe(
    *,
    limit: int = DEFAULT_LIMIT,
    analyze_type: str | None = None,
    python_internals_map: bool = False,
    budget: Budget | None = None,
) -> ProcessMemory:
    """Return what uses the memory of this process, within 5 seconds; called in a thread.

    Each collection of garbage stops the whole process for its duration.

    Args:
        limit: Maximum length of each list.
        analyze_type: The name of a type, or `linecache`.
        python_internals_map: Look only at the namespaces of modules, which `builtins.dict` leaves out
            otherwise; it is the default type then.
        budget: Another time than 5 seconds.
    """
    if python_internals_map and analyze_type is None:
        analyze_type = _DICT
    analyses: dict[str, Any] = {}
    report = ProcessMemory(instance=instances.own_id(), hostname=socket.gethostname(), pid=os.getpid())
    budget = budget or Budget()
    try:
        report.nb_collected = [gc.collect(generation) for generation in range(3)]
        objects = gc.get_objects()
        report.most_common_types = _named(count_types(objects, budget), limit)
        if len(objects) <= _MAX_REFERENCED:
            report.leaking_objects = _named(_unreferenced(objects, budget), limit)
        else:
            report.timeout = True
        if analyze_type is not None:
            analyses[analyze_type] = _analyze(
                objects, analyze_type, budget, limit=limit, internals=python_internals_map
            )
            budget.spend()
    except TimeIsUpError:
        report.timeout = True
    return ProcessMemory(**{**report.model_dump(), **analyses})


def count_types(objects: list[Any], budget: Budget) -> Counter[type]:
    """Return how many of the objects are of each type.

    Raises:
        TimeIsUpError: The time is over.
    """
    counts = Counter[type]()
    for chunk in budget.chunks(objects):
        counts.update(map(type, chunk))
    return counts


def _unreferenced(objects: list[Any], budget: Budget) -> Counter[type]:
    ids: set[int] = set()
    for chunk in budget.chunks(objects):
        ids.update(map(id, chunk))
    for chunk in budget.chunks(objects):
        ids.difference_update(map(id, referents(*chunk)))
    counts = Counter[type]()
    for chunk in budget.chunks(objects):
        counts.update(type(item) for item in chunk if id(item) in ids)
    return counts


def _named(counts: Counter[type], limit: int) -> list[tuple[str, int]]:
    return [(type_name(kind), count) for kind, count in counts.most_common(limit)]


def _analyze(objects: list[Any], name: str, budget: Budget, *, limit: int, internals: bool) -> Analysis:
    if name == LINECACHE:
        return _analyze_linecache(limit)
    found = list(of_type(objects, name, budget))
    if name == _FUNCTION:
        return _analyze_functions(found, limit)
    if name == _DICT:
        namespaces = {id(namespace_of(item)) for item in objects if is_module(item)}
        found = [item for item in found if (id(item) in namespaces) is internals]
    return Analysis(count=len(found), biggest_objects=_biggest(found, budget, limit))


def of_type(objects: list[Any], name: str, budget: Budget) -> Iterator[Any]:
    """Return the objects whose type has this name.

    Raises:
        TimeIsUpError: The time is over.
    """
    is_wanted: dict[type, bool] = {}
    for chunk in budget.chunks(objects):
        for item in chunk:
            kind = type(item)
            if kind not in is_wanted:
                is_wanted[kind] = type_name(kind) == name
            if is_wanted[kind]:
                yield item


def _analyze_linecache(limit: int) -> Analysis:
    sizes = {
        name: sum(map(sys.getsizeof, entry[2]))
        for name, entry in list(linecache.cache.items())
        if len(entry) > 1  # otherwise not read yet
    }
    biggest = heapq.nlargest(limit, sizes.items(), key=lambda item: item[1])
    files = [BigFile(filename=name, size_kb=_kb(size)) for name, size in biggest]
    return Analysis(count=len(sizes), biggest_objects=files)


def _analyze_functions(functions: list[Any], limit: int) -> Analysis:
    names = (dict.get(function.__globals__, "__name__") for function in functions)
    counts = Counter(name if type(name) is str else "?" for name in names)
    modules = [ModuleFunctions(module=name, nb_func=count) for name, count in counts.most_common(limit)]
    return Analysis(count=len(functions), modules=modules)


def _biggest(items: list[Any], budget: Budget, limit: int) -> list[BigObject]:
    """Return the largest objects, of those that were measured until the time was over.

    Most of them are small: all are measured with few of their parts, then the largest ones with more.
    """
    sizes = Sizes(budget)
    largest: list[tuple[int, int, bool, Any]] = []
    with contextlib.suppress(TimeIsUpError):  # the caller notices it, too
        for number, item in enumerate(items):
            size, is_complete = sizes.deep(item, _MAX_PARTS_AT_FIRST)
            heapq.heappush(largest, (size, number, is_complete, item))
            if len(largest) > _CANDIDATES * limit:
                heapq.heappop(largest)
        for place, (_, number, was_complete, item) in enumerate(largest):
            if not was_complete:
                size, is_complete = sizes.deep(item)
                largest[place] = (size, number, is_complete, item)
    return [
        BigObject(size_kb=_kb(size), id=id(item), partial=None if is_complete else True)
        for size, _, is_complete, item in heapq.nlargest(limit, largest)
    ]


def _kb(size: int) -> float:
    return round(size / 1024, 3)
