"""The start page for operators, rendered on the server, without JavaScript or requests to other hosts.

All links are relative, so that they work at any mount path, with any root path and behind any proxy.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from c2casgiutils.tools import _level_form, _overview, _pages, _process_rows, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router: APIRouter = APIRouter(include_in_schema=False)

_VIEW = _views.get("")


@router.get("/", name="c2c_index")
async def get_index(request: Request) -> Response:
    """Return the page."""
    query = Query(request)
    sort = query.choice("sort", _process_rows.COLUMNS, "state")

    async def load(caller: Caller, summary: Summary) -> dict[str, Any]:
        if not caller.can_read:
            return {}
        return {
            "overview": _overview.of(summary, caller, sort=sort),
            "columns": _process_rows.COLUMNS,
            "levels": summary.levels,
            "now": _pages.now(),
            "again": _level_form.longer,
        }

    return await _pages.respond(request, _VIEW, "index.html", load, query=query)
