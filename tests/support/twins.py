"""The JSON twins of the views: the commands that get them, and what the documentation says of both."""

import html
import re
import shlex

from tests.support.pages import ROOT


def address_of(page: str, label: str = ".* as JSON") -> str:
    """Return what the command of a view gets; empty if it has none."""
    found = re.search(rf'aria-label="curl: {label}">curl</summary><code>(.*?)</code>', page)
    return shlex.split(html.unescape(found[1]))[-1] if found else ""


def documented() -> dict[str, set[str]]:
    """Return the names of the query of each view, as the documentation lists them."""
    text = (ROOT / "docs" / "page.md").read_text().partition("JSON twin")[0]
    found: dict[str, set[str]] = {}
    for view, query in re.findall(r"^\|[^|]+\| `([a-z./]+)\?([^`]*)` \|", text, re.MULTILINE):
        found.setdefault(view, set()).update(re.findall(r"(\w+)=", query))
    return found


def documented_twins() -> dict[str, set[str]]:
    """Return the names of the query of each twin, as the documentation lists them."""
    text = (ROOT / "docs" / "page.md").read_text().partition("| view | twin |")[2].partition("## Tasks")[0]
    found: dict[str, set[str]] = {}
    for twin, query in re.findall(r"`([a-z_/{}]+)\?([^`]*)`", text):
        found.setdefault(twin, set()).update(re.findall(r"(\w+)=", query))
    return found
