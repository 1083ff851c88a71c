"""The table of `docs/security.md` names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]


def test_named_tests_exist() -> None:
    page = (TESTS.parent / "docs" / "security.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 40
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (TESTS / file).read_text()]
    assert missing == []
