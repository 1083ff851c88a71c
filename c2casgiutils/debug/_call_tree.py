"""The calls that a profile found, as a tree."""

from collections.abc import Hashable, Sequence
from typing import Self

from pydantic import BaseModel, Field, model_validator

_MAX_JSON_BYTES = 900_000
"""A message between processes is at most 1 MiB."""
_MAX_MICROSECONDS = 10**12
_OTHERS = "(other threads)"
WAITING = "(waiting)"
"""The frame below that of a thread that holds what the thread does while it waits for work."""


class Frame(BaseModel):
    """A function, a thread, or a mark such as `(waiting)`."""

    name: str
    file: str = ""
    line: int = Field(default=0, description="where the function begins")


class Node(BaseModel):
    """A function that was called by the one of its parent."""

    parent: int = Field(description="index of the caller in `nodes`, before this one; -1 for a thread")
    frame: int = Field(description="index in `frames`")
    microseconds: int = Field(
        ge=0, le=_MAX_MICROSECONDS, description="time in the function itself, without those that it called"
    )


class CallTree(BaseModel):
    """Functions, and the time spent in each of them."""

    frames: list[Frame] = []
    nodes: list[Node] = []

    @model_validator(mode="after")
    def _check_indexes(self) -> Self:
        """Refuse what another process cannot have sent: a path through it might never end."""
        for index, node in enumerate(self.nodes):
            if not (-1 <= node.parent < index and 0 <= node.frame < len(self.frames)):
                raise ValueError("not a tree")
        return self

    def totals(self, *, without: str | None = None) -> list[int]:
        """Return the time of each node with all that it called, in microseconds.

        Args:
            without: The name of frames that do not count, with all that they called.
        """
        totals: list[int] = []
        is_left_out: list[bool] = []
        for node in self.nodes:
            is_below = node.parent >= 0 and is_left_out[node.parent]
            is_left_out.append(is_below or self.frames[node.frame].name == without)
            totals.append(0 if is_left_out[-1] else node.microseconds)
        for index in range(len(self.nodes) - 1, -1, -1):
            parent = self.nodes[index].parent
            if parent >= 0:
                totals[parent] += totals[index]
        return totals

    def path(self, index: int) -> list[int]:
        """Return the frames from the thread to a node, as indexes."""
        found: list[int] = []
        while index >= 0:
            found.append(self.nodes[index].frame)
            index = self.nodes[index].parent
        return found[::-1]

    def pruned(self, least: int) -> "CallTree":
        """Return the tree without nodes whose total is shorter; their time is that of their callers.

        Threads that are left out are one node together. Waiting is always told apart.

        Args:
            least: The shortest time that is kept, in microseconds.
        """
        builder = TreeBuilder(2 * len(self.nodes) + 1)
        moved: list[int] = []
        for node, total in zip(self.nodes, self.totals(), strict=True):
            parent, frame = -1 if node.parent < 0 else moved[node.parent], self.frames[node.frame]
            if total >= least or frame.name == WAITING:
                parent = builder.child(parent, node.frame, frame)
            elif parent < 0:
                parent = builder.child(parent, _OTHERS, Frame(name=_OTHERS))
            builder.add(parent, node.microseconds)
            moved.append(parent)
        return builder.tree

    def bounded(self) -> "CallTree":
        """Return the tree, small enough for a message; the shortest calls are those of their callers then."""
        tree, least = self, 1
        while len(tree.model_dump_json()) > _MAX_JSON_BYTES:
            least *= 4
            tree = self.pruned(least)
        return tree


class TreeBuilder:
    """Adds calls to a tree.

    Args:
        max_nodes: Maximum number of nodes; further calls are not told apart from their callers.
    """

    def __init__(self, max_nodes: int) -> None:
        self.tree = CallTree()
        self._max_nodes = max_nodes
        self._children: dict[tuple[int, Hashable], int] = {}
        self._frames: dict[Hashable, int] = {}

    def find(self, parent: int, keys: Sequence[Hashable]) -> tuple[int, int]:
        """Return the deepest known node for a chain of calls, and how many of them are known.

        Args:
            parent: The node of the caller, or -1.
            keys: What tells the functions apart, the outermost first.
        """
        for known, key in enumerate(keys):
            child = self._children.get((parent, key))
            if child is None:
                return parent, known
            parent = child
        return parent, len(keys)

    def child(self, parent: int, key: Hashable, frame: Frame) -> int:
        """Return the node of a call, which is added if there is room; otherwise that of the caller."""
        if (parent, key) in self._children:
            return self._children[parent, key]
        if len(self.tree.nodes) >= self._max_nodes:
            return parent
        if key not in self._frames:
            self._frames[key] = len(self.tree.frames)
            self.tree.frames.append(frame)
        self.tree.nodes.append(Node(parent=parent, frame=self._frames[key], microseconds=0))
        node = self._children[parent, key] = len(self.tree.nodes) - 1
        return node

    def add(self, node: int, microseconds: int) -> None:
        """Add time to a node."""
        if node >= 0:
            self.tree.nodes[node].microseconds += microseconds
