"""The level of the root logger, which can hide the warnings of everything."""

import logging

import httpx
import pytest

CASES = {
    ("push", "root", "ERROR"): 403,
    ("push", "root", "critical"): 403,
    ("push", "root", "WARNING"): 200,
    ("push", "root", "DEBUG"): 200,
    ("push", "some.module", "CRITICAL"): 200,
    ("admin", "root", "CRITICAL"): 200,
}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
@pytest.mark.parametrize("way", ["view", "page"])
async def test_root_above_warning_needs_admin(
    callers: dict[str, httpx.AsyncClient], case: tuple[str, str, str], way: str
) -> None:
    """Push rights set any other level, and this one neither in the view nor on the page."""
    login, name, level = case
    before = logging.root.level
    body = {"name": name, "level": level}
    if way == "view":
        answer = await callers[login].post("/logging/level", json=body)
        expected = CASES[case]
    else:
        number = logging.getLevelNamesMapping()[level.upper()]
        answer = await callers[login].post("/levels", data={"set": f"{number} {name}"})
        expected = 303 if CASES[case] == 200 else 403
    assert answer.status_code == expected
    if expected == 403:
        assert "requires the admin level" in answer.text
        assert logging.root.level == before
    else:
        assert logging.getLevelName(logging.getLogger(name).level) == level
