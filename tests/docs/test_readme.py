"""The README is shown on an index too, away from the files of the repository."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
TEXT = (ROOT / "README.md").read_text()
# [text](target), ![text](target), [text][name] and [name]: target
TARGETS = re.findall(r"\]\(([^)\s]+)\)", TEXT) + re.findall(r"^\[[^]]+\]: (\S+)$", TEXT, re.MULTILINE)


def test_links_work_away_from_the_repository() -> None:
    """Each is absolute; what it names in our repository is there."""
    ours = [target.partition("/main/")[2] for target in TARGETS if target.startswith(f"{REPOSITORY}/")]
    assert [target for target in TARGETS if not target.startswith(("https://", "http://"))] == []
    assert len(ours) > 10
    assert [path for path in ours if not (ROOT / path).exists()] == []


def test_references_are_defined() -> None:
    names = set(re.findall(r"^\[([^]]+)\]: ", TEXT, re.MULTILINE))
    assert set(re.findall(r"\]\[([^]]+)\]", TEXT)) <= names


def test_can_be_read_at_once() -> None:
    """At most 250 lines: the rest is in the documentation."""
    assert len(TEXT.splitlines()) <= 250
