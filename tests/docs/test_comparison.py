"""The comparison with other libraries."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "comparison.md").read_text()
TABLE = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
ROWS = TABLE[1:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_cell_can_be_checked(row: list[str]) -> None:
    """It has a link, and a cell about this library also one to a test; test_links.py checks those of ours."""
    assert len(row) == 6
    assert [cell for cell in row[1:] if not re.search(r"\]\([^)\s]+\)", cell)] == []
    assert "[test](" in row[1]


def test_there_are_rows() -> None:
    """The table of the test above is that of the page."""
    assert len(ROWS) > 10
