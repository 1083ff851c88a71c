"""Exceptions from the linter's rules are few, and each says why."""

import re
from pathlib import Path

import c2casgiutils

FILES = sorted(Path(c2casgiutils.__file__).parent.rglob("*.py"))
REASON = re.compile(r"# noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)*  # \S")


def lines() -> list[str]:
    return [line for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]


def test_few_in_a_thousand_lines() -> None:
    found = [line for line in lines() if "# noqa" in line]
    assert len(found) * 1000 / len(lines()) < 4


def test_each_has_a_reason_in_one_form() -> None:
    assert [line for line in lines() if "# noqa" in line and not REASON.search(line)] == []
