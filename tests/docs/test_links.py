"""The links of the documentation lead to a page and its heading; those to other sites are well-formed."""

import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
REPOSITORY = "https://github.com/camptocamp/c2casgiutils/blob/main/"
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
ROOT = DOCS.parent
TOP = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
CODE = re.compile(r"`[^`]*`")
ADDRESS = re.compile(r"https?://[^\s<>\"'`\]|]*")
HOSTS = Path(__file__).with_name("external_hosts.txt")
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


@pytest.mark.parametrize("page", TOP, ids=lambda page: page.name)
def test_links_of_the_files_at_the_top(page: Path) -> None:
    """Of the README and its like, also by reference: to files of the repository, and to headings."""
    text = CODE.sub("", FENCE.sub("", page.read_text()))
    targets = [*LINK.findall(text), *re.findall(r"^\[[^\]]+\]: (\S+)", text, re.MULTILINE)]
    wrong = []
    for target in targets:
        path, _, anchor = target.removeprefix(REPOSITORY).partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        found = ROOT / path if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            wrong.append(target)
    assert wrong == []
    used = set(re.findall(r"\[([^\]]+)\](?![(:\w])", text))
    defined = set(re.findall(r"^\[([^\]]+)\]: ", text, re.MULTILINE))
    assert set(re.findall(r"\]\[([^\]]+)\]", text)) <= defined <= used


def external() -> Iterator[tuple[Path, str]]:
    """The addresses of other sites that a reader may follow, with the page that has them."""
    for page in [*TOP, *sorted(DOCS.glob("*.md"))]:
        text = CODE.sub("", FENCE.sub("", page.read_text()))
        for address in ADDRESS.findall(text):
            # a closing parenthesis is a part of it only with an opening one
            end = address.find(")") if "(" not in address else len(address)
            yield page, (address[:end] if end >= 0 else address).rstrip(".,;:")


def test_external_links() -> None:
    """They are well-formed and use HTTPS, except on the loopback."""
    wrong = []
    for page, address in external():
        parts = urllib.parse.urlsplit(address)
        is_local = parts.hostname in {"127.0.0.1", "localhost"}
        is_host = is_local or re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc)
        is_whole = re.fullmatch(r"[\w%/.~+=&?#:@!,()-]*", parts.path + parts.query + parts.fragment, re.ASCII)
        if not is_host or not is_whole or parts.scheme != ("http" if is_local else "https"):
            wrong.append(f"{page.name}: {address}")
    assert wrong == []


def test_external_hosts() -> None:
    """The list has each host that readers are sent to; a new one is added after a look at it."""
    hosts = {urllib.parse.urlsplit(address).netloc for _, address in external()}
    assert sorted(hosts) == HOSTS.read_text().split()


def test_each_page_can_be_found() -> None:
    """From the README, or from another page."""
    pages = [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    linked = {
        target.partition("#")[0].rpartition("/")[2]
        for page in pages
        for target in re.findall(r"(?:\(|: )([^)\s]+\.md[^)\s]*)", page.read_text())
    }
    assert {page.name for page in DOCS.glob("*.md")} - linked == set()
