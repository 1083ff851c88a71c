"""The diagnostic views of the memory: objects by type, mappings, and the graph of references."""

import functools
from typing import Annotated, Any, Literal, Self, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field, model_validator

from c2casgiutils import auth, broadcast, debug
from c2casgiutils._outages import limit_waiting
from c2casgiutils.config._types import matches
from c2casgiutils.tools import _debug_access
from c2casgiutils.tools._debug_cluster import ALL, SELF, Found, Question, one_answer

_T = TypeVar("_T")

router = APIRouter(tags=["debug"], dependencies=_debug_access.ENABLED)

_WAIT_SECONDS = 8.0
"""For a process that needs all the time that a diagnosis may take."""

TypeName = Annotated[
    str,
    Field(max_length=debug.MAX_NAME_LENGTH),
    matches(
        rf"{debug.LINECACHE}|[^\x00-\x1f]+\.[^\x00-\x1f]+",
        f"the module and the name of a type, such as builtins.dict, or {debug.LINECACHE}",
    ),
]
Limit = Annotated[int, Field(ge=1, le=debug.MAX_LIMIT)]
Flag = Annotated[bool, BeforeValidator(lambda value: value == "" or value)]
"""A boolean parameter, also without a value."""


class MapsQuery(BaseModel):
    """Which process to look at."""

    instance: str = Field(default=SELF, description=f"The id of a process, `{SELF}` or `{ALL}`")


class MemoryQuery(MapsQuery):
    """What to look at."""

    limit: Limit = Field(default=debug.DEFAULT_LIMIT, description="Maximum length of each list")
    analyze_type: TypeName | None = Field(
        default=None,
        description="Measure the objects of this type (`module.Class`), or the `linecache`",
    )
    python_internals_map: Flag = Field(
        default=False,
        description="Measure only the namespaces of modules, which `builtins.dict` leaves out otherwise",
    )


class MemoryResponse(BaseModel):
    """What uses the memory of each process that was asked."""

    processes: list[debug.ProcessMemory]
    cluster: broadcast.ClusterReport


class MapsResponse(BaseModel):
    """The memory mappings of each process that was asked."""

    processes: list[debug.ProcessMaps]
    cluster: broadcast.ClusterReport


class ReferencesQuery(BaseModel):
    """Where the graph begins and what it shows."""

    instance: str = Field(default=SELF, description=f"The id of a process, or `{SELF}`")
    analyze_type: TypeName | None = Field(default=None, description="Begin at objects of this type")
    analyze_id: int | None = Field(default=None, ge=0, description="Begin at the object with this id")
    max_depth: int = Field(default=3, ge=1, le=debug.MAX_DEPTH)
    too_many: int = Field(
        default=10, ge=1, le=debug.MAX_TOO_MANY, description="Maximum number of references of an object"
    )
    min_size_kb: float = Field(default=0, ge=0, allow_inf_nan=False, description="Leave out smaller objects")
    no_extra_info: Flag = Field(default=False, description="Leave out the sizes")
    backrefs: Flag = Field(default=False, description="Show what refers to the objects")

    @model_validator(mode="after")
    def _check_beginning(self) -> Self:
        if (self.analyze_type is None) is (self.analyze_id is None):
            raise ValueError("give either analyze_type or analyze_id")
        if self.instance == ALL:
            raise ValueError(f"a graph is of one process: instance must be an id or {SELF}")
        return self


class References(BaseModel):
    """The graph of a process, or why there is none."""

    graph: str | None = None
    problem: str | None = None
    status: Literal[200, 404, 504] = 200


async def _describe_memory(**params: Any) -> debug.ProcessMemory:
    query = MemoryQuery.model_validate(params)
    return await debug.run_heavy(
        functools.partial(debug.describe_memory, **query.model_dump(exclude={"instance"}))
    )


async def _describe_maps(**_: Any) -> debug.ProcessMaps:
    return await debug.run_heavy(debug.describe_maps)


async def _draw_references(**params: Any) -> References:
    query = ReferencesQuery.model_validate(params)
    options = debug.GraphOptions(
        extra_info=not query.no_extra_info, **query.model_dump(exclude={"instance", "no_extra_info"})
    )
    try:
        return References(graph=await debug.run_heavy(functools.partial(debug.draw_references, options)))
    except debug.UnknownObjectError as error:
        return References(problem=str(error), status=404)
    except debug.TimeIsUpError as error:
        return References(problem=str(error), status=504)


MEMORY = Question("c2c_debug_memory", _describe_memory, debug.ProcessMemory)
MAPS = Question("c2c_debug_memory_maps", _describe_maps, debug.ProcessMaps)
REFERENCES = Question("c2c_debug_references", _draw_references, References)


@router.get("/memory", name="c2c_debug_memory")
async def get_memory(request: Request, query: Annotated[MemoryQuery, Query()]) -> MemoryResponse:
    """Return the most common types of objects, objects without references, and the largest of one type."""
    async with auth.audit.recorded("debug.memory", request=request, target=query.instance) as record:
        found = await _ask(MEMORY, **query.model_dump())
        record.result = found.cluster.result
    return MemoryResponse(processes=found.answers, cluster=found.cluster)


@router.get("/memory_maps", name="c2c_debug_memory_maps")
async def get_memory_maps(request: Request, query: Annotated[MapsQuery, Query()]) -> MapsResponse:
    """Return the memory mappings (`smaps`) by name, the largest first."""
    async with auth.audit.recorded("debug.memory_maps", request=request, target=query.instance) as record:
        found = await _ask(MAPS, **query.model_dump())
        record.result = found.cluster.result
    return MapsResponse(processes=found.answers, cluster=found.cluster)


@router.get("/show_refs.dot", name="c2c_debug_show_refs", response_class=Response)
async def get_references(request: Request, query: Annotated[ReferencesQuery, Query()]) -> Response:
    """Return the graph of references for Graphviz: `dot -Tsvg references.dot`.

    Raises:
        HTTPException: 404 if there is no such object, 504 if it was not found in time or the process does not
            answer.
    """
    async with auth.audit.recorded("debug.show_refs", request=request, target=query.instance):
        found = await _ask(REFERENCES, **query.model_dump())
        graph = one_answer(found)
        if graph.graph is None:
            raise HTTPException(graph.status, graph.problem)
    return Response(
        graph.graph,
        media_type="text/vnd.graphviz; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="references.dot"'},
    )


async def _ask(question: Question[_T], *, instance: str, **params: Any) -> Found[_T]:
    with limit_waiting(_WAIT_SECONDS):
        return await question.ask(instance, seconds=_WAIT_SECONDS, **params)
