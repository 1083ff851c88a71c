"""The links between the pages of the documentation lead to a page, and to a heading of it."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
REPOSITORY = "https://github.com/camptocamp/c2casgiutils/blob/main/"
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    text = FENCE.sub("", page.read_text())
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in HEADING.findall(text)
    }


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links(page: Path) -> None:
    wrong = []
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if target.startswith(REPOSITORY):
            if not (DOCS.parent / target.removeprefix(REPOSITORY)).exists():
                wrong.append(target)
            continue
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.is_relative_to(DOCS):
            wrong.append(f"{target}: not a part of the site")
        if not found.is_file() or (anchor and anchor not in anchors(found)):
            wrong.append(target)
    assert wrong == []


def test_each_page_can_be_found() -> None:
    """From the README, or from another page."""
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    linked = {
        target.partition("#")[0].rpartition("/")[2]
        for page in pages
        for target in re.findall(r"(?:\(|: )([^)\s]+\.md[^)\s]*)", page.read_text())
    }
    assert {page.name for page in DOCS.glob("*.md")} - linked == set()
