"""The diagnostic view that finds what a request leaves in memory."""

import asyncio
import functools
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, Field

from c2casgiutils import auth, debug, instances
from c2casgiutils.config._types import checked_by
from c2casgiutils.tools import _debug_access, _subrequest
from c2casgiutils.tools._debug_memory import Flag, Limit

router = APIRouter(tags=["debug"], dependencies=_debug_access.ENABLED)

_SECONDS = 15
"""For the request, a first one that is not measured, and two counts of at most 5 seconds each."""
_NOT_FOUND = 404


class MemoryDiffQuery(BaseModel):
    """The request to measure."""

    path: Annotated[str, checked_by(_subrequest.check_path)] = Field(
        description="Path of the application, with its query"
    )
    limit: Limit = Field(default=debug.DEFAULT_LIMIT, description="Maximum number of types")
    no_warmup: Flag = Field(
        default=False, description="Do not send the request a first time without measuring it"
    )


@router.get("/memory_diff", name="c2c_debug_memory_diff")
async def get_memory_diff(request: Request, query: Annotated[MemoryDiffQuery, Query()]) -> debug.GrowthReport:
    """Return of which types there are more objects after a GET request to the application than before.

    The request runs in this process with the credentials of the caller. A first one, which fills caches, is
    not measured. Other requests at the same time falsify the result.

    Raises:
        HTTPException: 404 if the application has no such path, 422 for a path of the diagnostics, 501 if the
            application is not known, 504 if it takes too long.
    """
    app = debug.application()
    if app is None:
        raise HTTPException(501, "The application is not known: pass it to c2casgiutils.startup(app)")
    _refuse_diagnostics(request, query.path)
    async with auth.audit.recorded("debug.memory_diff", request=request, target=query.path):
        with debug.heavy().held():
            return await _measure(functools.partial(_send, app, request, query.path), query)


def _refuse_diagnostics(request: Request, path: str) -> None:
    own = re.sub("/+", "/", f"{request.scope.get('root_path', '')}/debug/")
    below_root = own.removeprefix(request.scope.get("app_root_path", ""))
    asked = re.sub("/+", "/", unquote(path.partition("?")[0]))
    if f"{asked}/".startswith((own, below_root)):
        raise HTTPException(422, "path must not be one of the diagnostics themselves")


async def _measure(send: Callable[[], Awaitable[int]], query: MemoryDiffQuery) -> debug.GrowthReport:
    growth = debug.Growth(query.limit)
    loop = asyncio.get_running_loop()
    # One thread and one timeout for all: those that end in between would be part of the result.
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="c2casgiutils-diagnosis")
    try:
        async with asyncio.timeout(_SECONDS):
            if not query.no_warmup:
                await send()
            # A thread that starts may count before this task waits for it, and the wait would be growth.
            await loop.run_in_executor(thread, growth.prepare)
            await loop.run_in_executor(thread, growth.begin)
            started = time.perf_counter()
            status = await send()
            seconds = time.perf_counter() - started
            memory, types = await loop.run_in_executor(thread, growth.end)
    except TimeoutError as error:
        raise HTTPException(504, f"The requests and the counts took more than {_SECONDS} seconds") from error
    finally:
        thread.shutdown(wait=False)
    return debug.GrowthReport(
        instance=instances.own_id(),
        status=status,
        elapsed_time=seconds,
        memory_growth=memory,
        objgraph_growth=types,
    )


async def _send(app: Any, request: Request, path: str) -> int:
    outcome = await _subrequest.send(app, request, path)
    if outcome.status == _NOT_FOUND and not outcome.is_routed:
        raise HTTPException(404, "The application has no such path")
    return outcome.status
