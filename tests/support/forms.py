"""The views of a page and their forms, found by following its links as a visitor does."""

import dataclasses
import re
from collections.abc import Awaitable, Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

BUTTONS = {
    "./ levels End DEBUG",
    "./ levels +10 min",
    "levels levels DEBUG",
    "levels levels inherit",
    "levels levels End DEBUG",
    "levels levels +10 min",
    "process process Drain",
    "process process Undrain",
    "database database Change the maintenance",
    "database database Begin maintenance",
    "database database End maintenance",
    "statements statements Start",
    "statements statements Start anew",
    "statements statements End and forget",
    "requests requests Follow",
    "requests requests End, and forget the lines",
    "diagnostics diagnostics Profile",
    "diagnostics debug/dump Download a dump",
}
"""What must be found at least in a service of which everything is on: `Button.what` of each."""
_VIEWS = re.compile(r"(?:[a-z]+|)(?:\?|$)")


@dataclasses.dataclass
class Button:
    """A button of a form that changes something.

    Attributes:
        page: The address of the view, below the mount.
        action: Where its form is sent to.
        fields: What is entered, with the name and value of the button; texts are those of the page.
        texts: The names of the fields that people type in.
        label: What it is called.
        command: The command that is shown for it, empty if there is none.
    """

    page: str
    action: str
    fields: dict[str, str]
    texts: list[str]
    label: str
    command: str = ""

    @property
    def what(self) -> str:
        """The same for buttons that differ by their logger, process or number only."""
        if equal := self.fields.get("equal"):  # what single processes have, or what they are configured with
            return f"make equal, {'own' if equal.startswith('own ') else 'number'}"
        path = f"{urlsplit(self.page).path or './'} {urlsplit(self.action).path}"
        return f"{path} {self.label.partition(' of ')[0].partition(' for ')[0]}"


class _Reader(HTMLParser):
    """Reads the buttons, the commands of the view and the links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.links: list[str] = []
        self.buttons: list[Button] = []
        self.commands: list[str] = []
        self._form: dict[str, str] | None = None
        self._values: dict[str, str] = {}
        self._texts: list[str] = []
        self._pressed: list[Button] = []
        self._waiting: list[Button] = []
        self._select, self._option = "", False
        self._in_curl = 0
        self._given: list[str] = []
        self._text: str | None = None
        self._label: Button | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self._form = given if given.get("method") == "post" else None
            self._values, self._texts, self._pressed, self._waiting = {}, [], [], []
        elif tag == "details" and (self._in_curl or "curl" in given.get("class", "").split()):
            self._in_curl += 1
        elif tag == "code" and self._in_curl:
            self._text = ""
        elif self._form is not None:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "select":
            self._select = name
            self._values.pop(name, None)
        elif tag == "option" and self._select and ("selected" in given or self._select not in self._values):
            self._values[self._select] = given.get("value", "")
            self._option = "value" not in given
        elif tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self._values[name] = given.get("value", "")
            if given.get("type", "text") == "text":
                self._texts.append(name)
        elif tag == "button" and given.get("type", "submit") == "submit" and "formmethod" not in given:
            form = self._form or {}
            own = {name: given.get("value", "")} if name else {}
            self._label = Button(self.page, form["action"], own, self._texts, given.get("aria-label", ""))
            self._pressed.append(self._label)
            self._waiting.append(self._label)
            self._text = ""

    def handle_data(self, data: str) -> None:
        if self._option and self._select:
            self._values[self._select] = data.strip()
            self._option = False
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._label is not None:
            self._label.label = self._label.label or (self._text or "").strip()
            self._label, self._text = None, None
        elif tag == "code" and self._in_curl:
            command, self._text = self._text or "", None
            if self._form is None:
                self.commands.append(command)
            else:
                self._given.append(command)
        elif tag == "details" and self._in_curl:
            self._in_curl -= 1
            if not self._in_curl:
                self._give()
        elif tag == "select":
            self._select = ""
        elif tag == "form" and self._form is not None:
            for button in self._pressed:
                button.fields = {**self._values, **button.fields}
            self.buttons += self._pressed
            self._form = None

    def _give(self) -> None:
        """Give the commands to the buttons before them, the last to the last."""
        for button, command in zip(reversed(self._waiting), reversed(self._given), strict=False):
            button.command = command
        self._waiting, self._given = [], []


@dataclasses.dataclass(frozen=True)
class Found:
    """A view: its address below the mount, its text, its commands outside of forms, and its buttons."""

    address: str
    text: str
    commands: list[str]
    buttons: list[Button]


def read(address: str, text: str) -> tuple[Found, list[str]]:
    """Return a view, and the addresses of the views that it links to."""
    reader = _Reader(address)
    reader.feed(text)
    links = [urldefrag(urljoin(f"/{address}", link))[0] for link in reader.links if "://" not in link]
    buttons = [button for button in reader.buttons if not button.action.startswith("auth/")]
    return Found(address, text, reader.commands, buttons), [link.removeprefix("/") for link in links]


async def crawl(get: Callable[[str], Awaitable[httpx.Response]], *starts: str) -> list[Found]:
    """Return one view of each kind that links lead to: of each path, one for each set of names in its query.

    Args:
        get: Gets an address below the mount.
        starts: Where to begin.
    """
    found: list[Found] = []
    waiting, known = [*starts], set[str]()
    while waiting:
        address = waiting.pop(0)
        kind = _kind(address)
        if kind in known or not _VIEWS.match(address):
            continue
        known.add(kind)
        page = await get(address)
        if "text/html" not in page.headers.get("Content-Type", "") or '<nav class="views"' not in page.text:
            continue
        view, links = read(address, page.text)
        found.append(view)
        waiting += links
    return found


def _kind(address: str) -> str:
    """Return the same for all addresses of which one is enough."""
    path, _, query = address.partition("?")
    names = [pair if pair.startswith("what=") else pair.partition("=")[0] for pair in query.split("&")]
    return f"{path}?{'&'.join(sorted(names))}"


def buttons_of(views: list[Found]) -> Iterator[Button]:
    """Return one button of each kind, one with a command if there is any."""
    known: dict[str, Button] = {}
    for view in views:
        for button in view.buttons:
            if button.what not in known or (button.command and not known[button.what].command):
                known[button.what] = button
    yield from known.values()
