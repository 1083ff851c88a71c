"""What the pages of a built site load: `python -m tests.support.site site` checks that it is their own."""

import re
import sys
import urllib.parse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_NOT_LOADED = frozenset(
    ["alternate", "author", "canonical", "edit", "help", "license", "next", "prev", "search"]
)
"""The relations of `link` that a browser does not follow by itself."""
_SOURCES = frozenset({"src", "srcset", "data", "poster", "background"})
_CSS = re.compile(r"""@import\s+["']([^"']+)|url\(\s*["']?([^"')]*)""")
_SCRIPTED = {"mermaid": "a script from unpkg.com", "source": "the stars of a repository"}
"""Classes and components for which Material loads something from elsewhere, and what."""


class _Page(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._is_style = tag == "style"
        for name, value in values.items():
            if name == "srcset":
                self.loaded += [candidate.split()[0] for candidate in value.split(",") if candidate.strip()]
            elif name in _SOURCES:
                self.loaded.append(value)
            elif name == "style":
                self.loaded += list(loaded_by_css(value))
        relations = set(values.get("rel", "").lower().split())
        if (tag == "link" and not relations <= _NOT_LOADED) or tag in {"use", "image", "base", "feimage"}:
            self.loaded += [values[name] for name in ("href", "xlink:href") if name in values]
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.loaded.append(values.get("content", "").partition("=")[2])
        parts = {*values.get("class", "").split(), values.get("data-md-component", "")}
        self.loaded += [f"https://{_SCRIPTED[part]}" for part in parts & _SCRIPTED.keys()]

    def handle_data(self, data: str) -> None:
        if self._is_style:
            self.loaded += list(loaded_by_css(data))

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False


def loaded_by_page(text: str) -> list[str]:
    """Return the addresses that a page in HTML loads: scripts, styles, images, fonts, frames."""
    page = _Page()
    page.feed(text)
    page.close()
    return page.loaded


def loaded_by_css(text: str) -> Iterator[str]:
    """Return the addresses that a style sheet loads."""
    yield from (
        imported or url for imported, url in _CSS.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    )


def problems(site: Path) -> list[str]:
    """Return what is loaded from elsewhere, or is not there, one line each."""
    found = []
    for path in sorted([*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]):
        text = path.read_text(encoding="utf-8")
        addresses = loaded_by_css(text) if path.suffix == ".css" else loaded_by_page(text)
        for address in addresses:
            problem = _problem(site, path, address.strip())
            if problem:
                found.append(f"{path.relative_to(site)}: {address[:100]}: {problem}")
    return found


def _problem(site: Path, page: Path, address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "data" or not (parts.scheme or parts.netloc or parts.path):
        return ""
    if parts.scheme or parts.netloc:
        return "is loaded from elsewhere"
    folder = site if parts.path.startswith("/") else page.parent
    file = folder / urllib.parse.unquote(parts.path).lstrip("/")
    return "" if file.exists() else "does not exist"


def main() -> None:
    """Check the site whose folder is the argument.

    Raises:
        SystemExit: Something is loaded from elsewhere, or there is no page.
    """
    site = Path(sys.argv[1])
    pages = len(list(site.rglob("*.html")))
    found = problems(site) if pages else [f"{site} has no page"]
    if found:
        sys.exit("\n".join(found))
    print(f"{pages} pages load nothing from elsewhere")  # what this module is for


if __name__ == "__main__":
    main()
