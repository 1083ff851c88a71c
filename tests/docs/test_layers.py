"""The picture of the layers."""

import re
from itertools import pairwise
from pathlib import Path

import c2casgiutils

PACKAGE = Path(c2casgiutils.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "development.md").read_text()
PICTURE = PAGE.partition("```mermaid\n")[2].partition("```")[0]


NAME = re.compile(r"\b_?[a-z]\w*")
GROUPS = [NAME.findall(group) for group in re.findall(r"subgraph [^\n]*\n(.*?)\n    end", PICTURE, re.DOTALL)]


def test_each_module_is_in_the_picture() -> None:
    """Every module at the top of the package is in one group, and nothing else is."""
    there = {
        path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    assert sorted(name for group in GROUPS for name in group) == sorted(there)


def test_the_groups_are_in_the_order_of_the_linter() -> None:
    """Each module is in a higher row of the linter's contract than all modules of the next group."""
    contract = (PACKAGE.parent / "pyproject.toml").read_text().partition("layers = [")[2].partition("\n]")[0]
    rows = {name: row for row, line in enumerate(contract.splitlines()) for name in NAME.findall(line)}
    groups = [[rows[name] for name in group] for group in GROUPS]
    assert all(max(upper) < min(lower) for upper, lower in pairwise(groups))
