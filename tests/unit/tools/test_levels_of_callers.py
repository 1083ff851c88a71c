"""What callers of each level get: the table of `docs/security.md` is true for them."""

import re

import httpx
import pytest

from c2casgiutils import config
from tests.support.table_of_levels import ROWS

LEVELS = ["everybody", "read-only", "read-write", "admin"]
OF_PARTS = {"GET /diagnostics": "read-only", "GET /configuration": "read-only"}
"""Pages of which some parts need more."""


@pytest.mark.parametrize(("permission", "level"), [("pull", "read-only"), ("push", "read-write")])
async def test_refused_is_what_needs_more(
    callers: dict[str, httpx.AsyncClient], permission: str, level: str
) -> None:
    """A caller is refused what needs a higher level, and nothing else; a wrong request is not a refusal."""
    config.settings.debug = config.settings.debug.model_copy(update={"enabled": True})
    allowed = LEVELS[: LEVELS.index(level) + 1]
    wrong = {}
    for row, needed in {**ROWS, **OF_PARTS}.items():
        method, _, path = row.partition(" ")
        answer = await callers[permission].request(
            method, re.sub(r"{\w+}", "x", path), params={"name": "root"}
        )
        if (answer.status_code == 403) is (needed in allowed) or answer.status_code >= 500:
            wrong[row] = answer.status_code
    assert wrong == {}
