"""The view of all processes, filtered and sorted by its query."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from c2casgiutils.tools import _pages, _process_rows, _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._query import Query
from c2casgiutils.tools._summary import Summary

router = APIRouter(include_in_schema=False)

_VIEW = _views.get("processes")
_MAX_ROWS = 60
"""More would take the browser too long; the search and the order lead to the others."""


@router.get("/processes", name="c2c_processes")
async def get_processes(request: Request) -> Response:
    """Return the page with the processes."""
    query = Query(request)
    text, state = query.text("q"), query.choice("state", _process_rows.SHAPES, "")
    sort = query.choice("sort", _process_rows.COLUMNS, "state")

    async def load(_: Caller, summary: Summary) -> dict[str, Any]:
        found = _process_rows.rows(summary, sort=sort)
        matching = _process_rows.matching(found, text=text, state=state)
        filters = {name: value for name, value in (("q", text), ("state", state)) if value}
        return {
            "rows": matching[:_MAX_ROWS],
            "matching": len(matching),
            "total": len(found),
            "filters": filters,
            "sort": sort,
            "address": f"processes?{urlencode({**filters, 'sort': ''})}",
            "states": [("", "any state"), *((word, word) for word in _process_rows.SHAPES)],
            "sorts": [(name, column.title) for name, column in _process_rows.COLUMNS.items()],
            "columns": _process_rows.COLUMNS,
            "now": _pages.now(),
        }

    return await _pages.respond(request, _VIEW, "processes.html", load, query=query)
