"""Which events make room for later ones.

A flood of one kind of event must not displace the others: of the largest group, and in it of its largest
group, the oldest event is dropped.
"""

import collections
from collections.abc import Hashable, Sequence
from typing import Any

MAX_EVENTS = 1000
"""Maximum number of events in a list."""
LEFT = 900
"""Number of events left after trimming, which reads the whole list and so is not done for each event."""


def surplus(paths: Sequence[Sequence[Hashable]]) -> list[int]:
    """Return the positions of the events to drop, or none if there are not too many.

    Args:
        paths: For each event, the oldest first, its group, the group in that one and so on, always as many.
    """
    if len(paths) <= MAX_EVENTS:
        return []
    groups: dict[Hashable, Any] = {}
    for position, (*outer, last) in enumerate(paths):
        group = groups
        for name in outer:
            group = group.setdefault(name, {})
        group.setdefault(last, collections.deque()).append(position)
    return [_oldest_of_largest(groups) for _ in range(len(paths) - LEFT)]


def _oldest_of_largest(group: Any) -> int:
    while isinstance(group, dict):
        group = max(group.values(), key=_size)
    position: int = group.popleft()
    return position


def _size(group: Any) -> int:
    return sum(map(_size, group.values())) if isinstance(group, dict) else len(group)
