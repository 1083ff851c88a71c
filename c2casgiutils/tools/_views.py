"""The views of the page: their addresses and titles, in the order of the row of links."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Literal

from c2casgiutils.db import _registry


def _is_on() -> None:
    return None


def _without_database() -> str | None:
    return None if _registry.known() else "Set C2C__DB__URL, or create a db.Database, and start again."


def _level_word(number: str) -> str:
    """Return the word on the button of a level."""
    if number == str(logging.NOTSET):
        return "inherit"
    is_number = number.isdecimal() and len(number) < 10  # noqa: PLR2004  # digits, more than any level has
    return logging.getLevelName(int(number)) if is_number else number


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


@dataclasses.dataclass(frozen=True)
class View:
    """A view of the page.

    Attributes:
        id: Its address below the mount.
        title: Its name in the row of links.
        key: The letter that opens it, after `g`.
        twin: The address of its data as JSON.
        twin_query: The names of its query that the JSON understands, too, and what they are called there.
        level: Who may open it.
        parent: The view whose link leads here, of a view without a place in the row.
        off: Return one sentence that says how to switch it on, `None` while it is on.
        form_level: Who may send its form.
        buttons: The words on the buttons of its form, by what they send, `name=value`; by an empty text for
            the button that sends nothing.
        row_buttons: The buttons that each row of its form has, by their name. They send an argument, of which
            the word on the button is made, a space and what the row is about.
    """

    id: str
    title: str
    key: str
    twin: str
    level: Literal["public", "read-only", "read-write", "admin"] = "read-only"
    off: Callable[[], str | None] = _is_on
    twin_query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    parent: str | None = None
    form_level: Literal["read-write", "admin"] = "admin"
    buttons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    row_buttons: Mapping[str, Callable[[str], str]] = dataclasses.field(default_factory=dict)

    @property
    def href(self) -> str:
        """The address, relative to a view."""
        return self.id or "./"


VIEWS = (
    View("", "Overview", "o", "overview", level="public", twin_query=_same("sort")),
    View("processes", "Processes", "p", "instances", twin_query=_same("q", "state", "sort")),
    View("checks", "Checks", "c", "health/cluster", twin_query=_same("check", "id")),
    View(
        "levels",
        "Log levels",
        "l",
        "logging/loggers",
        twin_query=_same("q", "changed"),
        form_level="read-write",
        row_buttons={
            "set": _level_word,
            "end": lambda _: "End",
            "extend": lambda _: "+10 min",
            "equal": lambda _: "make equal",
        },
    ),
    View(
        "requests",
        "Requests",
        "r",
        "debug/exchanges",
        level="admin",
        twin_query=_same("status", "route", "min_ms", "limit", "instance"),
        buttons={"": "Follow"},
    ),
    View("diagnostics", "Diagnostics", "i", "", buttons={"": "Profile"}),
    View(
        "database",
        "Database",
        "d",
        "db/maintenance",
        off=_without_database,
        buttons={"maintenance=begin": "Begin maintenance", "maintenance=end": "End maintenance"},
    ),
    View("activity", "Activity", "a", "events", twin_query=_same("kind", "what", "who", "since", "until")),
    View("configuration", "Configuration", "s", "versions"),
)
"""The views in the row of links; the first is the start page."""
_OTHERS = (
    View(
        "process",
        "Process",
        "",
        "instances",
        parent="processes",
        twin_query=_same("id"),
        buttons={"drain=begin": "Drain", "drain=end": "Undrain"},
    ),
    View(
        "statements",
        "SQL statements",
        "",
        "sql_profiler",
        level="admin",
        buttons={"end=1": "End and forget", "": "Start"},
    ),
)
"""The views that other views lead to."""


def get(view_id: str) -> View:
    """Return a view.

    Raises:
        KeyError: There is none with this id.
    """
    return {view.id: view for view in (*VIEWS, *_OTHERS)}[view_id]
