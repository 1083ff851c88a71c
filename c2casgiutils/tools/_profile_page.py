"""The page that shows a profile as a tree to unfold, without a script."""

from collections.abc import Iterator
from dataclasses import dataclass

from c2casgiutils.debug import WAITING, CallTree, Profile
from c2casgiutils.tools import _pages

_LEAST_SHARE = 0.005
_MAX_ROWS = 2_000
_OPEN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Row:
    """A function in the tree.

    Attributes:
        name: Its name.
        place: Where it is defined.
        share: Its part of the time in which threads did not wait for work, in percent; `None` if it waited.
        milliseconds: Its time with all that it called.
        own_milliseconds: Its time without.
        is_leaf: Whether it has nothing to unfold.
        is_branch: Whether it called several functions.
        is_open: Whether it is unfolded at first.
        ends: How many functions end after it.
    """

    name: str
    place: str
    share: float | None
    milliseconds: float
    own_milliseconds: float
    is_leaf: bool
    is_branch: bool
    is_open: bool
    ends: int


def render(profile: Profile) -> str:
    """Return the page.

    Args:
        profile: Its short calls, and those beyond 2,000, are shown as time of their callers.
    """
    threads = zip(profile.tree.nodes, profile.tree.totals(without=WAITING), strict=True)
    busy = sum(total for node, total in threads if node.parent < 0)
    tree, least = profile.tree, _LEAST_SHARE * max(busy, 1)
    tree = tree.pruned(round(least))
    while len(tree.nodes) > _MAX_ROWS:
        least *= 2
        tree = tree.pruned(round(least))
    return (
        _pages.templates()
        .get_template("profile.html")
        .render(
            profile=profile,
            rows=list(_rows(tree, max(busy, 1))),
            busy_milliseconds=busy / 1000,
            least_milliseconds=least / 1000,
            root="../../",
        )
    )


def _rows(tree: CallTree, busy: int) -> Iterator[Row]:
    """Return the functions in the order of the page: each before those that it called, the longest first."""
    totals, busy_totals = tree.totals(), tree.totals(without=WAITING)
    called: dict[int, list[int]] = {}
    for index, node in enumerate(tree.nodes):
        called.setdefault(node.parent, []).append(index)
    for indexes in called.values():
        indexes.sort(key=lambda index: (busy_totals[index], totals[index]))
    pending = [(index, 0) for index in called.get(-1, [])]
    while pending:
        index, ends = pending.pop()
        below = called.get(index, [])
        pending += [(child, ends + 1 if place == 0 else 0) for place, child in enumerate(below)]
        frame, share = tree.frames[tree.nodes[index].frame], busy_totals[index] / busy
        yield Row(
            name=frame.name,
            place=f"{frame.file}:{frame.line}" if frame.file else "",
            share=share * 100 if busy_totals[index] else None,
            milliseconds=totals[index] / 1000,
            own_milliseconds=tree.nodes[index].microseconds / 1000,
            is_leaf=not below,
            is_branch=len(below) > 1,
            is_open=share >= _OPEN_SHARE,
            ends=0 if below else ends,
        )
