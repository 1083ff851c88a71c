"""The row of links to the views."""

import dataclasses
from collections.abc import Mapping

from c2casgiutils.tools import _views
from c2casgiutils.tools._caller import Caller
from c2casgiutils.tools._state import STATE
from c2casgiutils.tools._summary import Summary
from c2casgiutils.tools._views import View


@dataclasses.dataclass(frozen=True)
class Link:
    """A view in the row of links.

    Attributes:
        key: The letter that opens it.
        off: How to switch it on.
        count: How many of what it shows there are.
    """

    href: str
    title: str
    key: str
    is_current: bool
    off: str | None
    count: int | None = None


def links(caller: Caller, current: View, summary: Summary) -> list[Link]:
    """Return the row of links: what the caller may not see and what is off has its place, too."""
    if not caller.can_read:
        return []
    counts = _counts(summary)
    return [
        *(
            Link(
                view.href,
                view.title,
                view.key,
                view.id in (current.id, current.parent),
                view.off(),
                counts.get(view.id),
            )
            for view in _views.VIEWS
        ),
        *(Link(page.id, page.title, "", page.id == current.id, None) for page in STATE.pages.values()),
        *(
            Link(link.url, link.title, "", is_current=False, off=None)
            for link in STATE.links.values()
            if caller.has(link.level)
        ),
    ]


def _counts(summary: Summary) -> Mapping[str, int | None]:
    """Return how many processes, checks and levels there are, by the view that shows them."""
    living = [one for one in summary.roster if one.liveness != "lost"]
    return {
        "processes": len(summary.roster) + len(summary.unseen),
        "checks": len({name for instance in living for name in instance.checks}),
        "levels": len(summary.levels) or None,
    }
