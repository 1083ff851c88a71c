"""The view of c2cwsgiutils, for existing monitoring."""

from typing import Annotated, Any

from fastapi import HTTPException, Query, Request, Response

from c2casgiutils._asgi import NOT_CACHED
from c2casgiutils.health_checks import _access
from c2casgiutils.health_checks._factory import FACTORY, outcomes, overall, split
from c2casgiutils.health_checks._outcome import Outcome
from c2casgiutils.health_checks._runner import Entry


async def health_check(
    request: Request,
    response: Response,
    max_level: Annotated[int, Query(description="Run the checks up to this level; 0 runs none")] = 1,
    checks: Annotated[str, Query(description="Comma-separated names; all when empty")] = "",
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the state of the checks as `successes` and `failures`, by name."""
    details = await _access.may_see_details(request, response)
    entries = [*FACTORY.entries, *FACTORY.automatic()]
    names = split(checks)
    problem = _access.describe_unknown("check", names, {entry.name for entry in entries}, details=details)
    if problem is not None:
        raise HTTPException(404, problem)
    wanted = [
        entry
        for entry in entries
        if entry.options.level <= max_level and (not names or entry.name in names) and max_level > 0
    ]
    found = await outcomes(wanted)
    response.status_code = 500 if overall(found) == "fail" else 200
    response.headers.update(NOT_CACHED)
    body: dict[str, dict[str, dict[str, Any]]] = {"successes": {}, "failures": {}}
    for entry, outcome in found:
        body["failures" if outcome.status == "fail" else "successes"][entry.name] = _item(
            entry, outcome, details=details
        )
    return body


def _item(entry: Entry, outcome: Outcome, *, details: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"timing": outcome.seconds, "level": entry.options.level}
    if not details:
        return item
    if outcome.status == "fail":
        item["message"] = outcome.message or "failed"
    result = (
        outcome.payload.get("result")
        if outcome.status == "fail" and "error" in outcome.payload
        else outcome.payload
    )
    if result not in (None, {}):
        item["result"] = result
    if outcome.stacktrace is not None:
        item["stacktrace"] = outcome.stacktrace
    return item
