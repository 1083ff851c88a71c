"""The graph of the references from objects, or to them, for Graphviz."""

import gc
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from c2casgiutils._errors import C2cError
from c2casgiutils.debug._budget import Budget, TimeIsUpError
from c2casgiutils.debug._memory import of_type
from c2casgiutils.debug._objects import Sizes, referents, type_name

MAX_DEPTH = 5
MAX_TOO_MANY = 100
_MAX_NODES = 500
_MAX_EDGES = 5_000
_CHUNK = 200  # the referents of each object alone, in Python: about a millisecond


class UnknownObjectError(C2cError, LookupError):
    """No object that the garbage collector tracks has this id or this type."""


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """What the graph shows.

    Attributes:
        analyze_type: Begin at the objects of this type (`module.Class`), at most `too_many` of them.
        analyze_id: Begin at the object with this id, if there is no type.
        max_depth: Maximum number of steps from the beginning.
        too_many: Maximum number of references of one object.
        min_size_kb: Leave out objects that are smaller, with all that they refer to.
        extra_info: Show the size of each object with all that it refers to.
        backrefs: Follow references backwards, to what keeps an object alive.
    """

    analyze_type: str | None = None
    analyze_id: int | None = None
    max_depth: int = 3
    too_many: int = 10
    min_size_kb: float = 0
    extra_info: bool = True
    backrefs: bool = False


def draw(options: GraphOptions, *, budget: Budget | None = None) -> str:
    """Return the graph as text for Graphviz, within 5 seconds; called in a thread.

    A node shows the type and the id of an object, never its value. The graph has at most 500 objects, and a
    comment says what was left out.

    Args:
        options: What it shows.
        budget: Another time than 5 seconds.

    Raises:
        UnknownObjectError: There is no such object.
        TimeIsUpError: It was not found in time.
    """
    objects = gc.get_objects()  # before the graph is created: it is not to show itself
    return _Graph(options, objects, budget or Budget()).draw()


class _Graph:
    def __init__(self, options: GraphOptions, objects: list[Any], budget: Budget) -> None:
        self._options = options
        self._objects = objects
        self._budget = budget
        self._sizes = Sizes(self._budget)
        self._names: dict[int, str] = {}
        self._lines: list[str] = []
        self._edges: set[tuple[str, str]] = set()
        self._left_out: dict[str, None] = {}

    def draw(self) -> str:
        try:
            level = self._begin()
            for _ in range(self._options.max_depth):
                level = self._follow(level)
        except TimeIsUpError:
            if not self._names:
                raise
            self._left_out["what took too long"] = None
        if not self._names:
            raise UnknownObjectError(
                "The garbage collector of this process tracks no such object, or none of this size"
            )
        comments = [f"// Left out: {text}." for text in self._left_out]
        return "\n".join(["digraph References {", *comments, "node [shape=box];", *self._lines, "}", ""])

    def _begin(self) -> list[Any]:
        """Return the objects at which the graph begins; an id is compared, never used as an address."""
        if self._options.analyze_type is not None:
            found = of_type(self._objects, self._options.analyze_type, self._budget)
        else:
            found = self._with_id(self._options.analyze_id)
        return list(itertools.islice(filter(self._add, found), self._options.too_many))

    def _with_id(self, number: int | None) -> Iterator[Any]:
        for chunk in self._budget.chunks(self._objects):
            yield from (item for item in chunk if id(item) == number)

    def _follow(self, level: list[Any]) -> list[Any]:
        """Add the neighbours of the objects of a level, and return those that are new."""
        added: list[Any] = []
        for item, neighbours in self._neighbours(level):
            shown = 0
            for part in neighbours:
                if shown >= self._options.too_many:
                    self._left_out["references of objects that have too many"] = None
                    break
                is_new = id(part) not in self._names
                if is_new and not self._add(part):
                    continue
                if is_new:
                    added.append(part)
                shown += self._connect(item, part)
        return added

    def _neighbours(self, level: list[Any]) -> Iterator[tuple[Any, Iterable[Any]]]:
        if not self._options.backrefs:
            return ((item, self._referents(item)) for item in level)
        found: dict[int, list[Any]] = {id(item): [] for item in level}
        for chunk in self._budget.chunks(self._objects, _CHUNK):
            for item in chunk:
                for part in referents(item):
                    known = found.get(id(part))
                    if known is not None and len(known) <= self._options.too_many:
                        known.append(item)
        return ((item, found[id(item)]) for item in level)

    def _referents(self, item: Any) -> Iterator[Any]:
        for chunk in self._budget.chunks(referents(item)):
            yield from (part for part in chunk if gc.is_tracked(part) and part is not type(item))

    def _add(self, item: Any) -> bool:
        """Add an object, as far as the limits allow; return whether it was added."""
        if len(self._names) >= _MAX_NODES:
            self._left_out[f"objects beyond the first {_MAX_NODES}"] = None
            return False
        label = self._label(item)
        if label is None:
            return False
        name = self._names[id(item)] = f"n{len(self._names)}"
        self._lines.append(f'{name} [label="{label}"];')
        return True

    def _label(self, item: Any) -> str | None:
        """Return the lines of a node, `None` for an object that is too small."""
        texts = [type_name(type(item)), f"id {id(item)}"]
        if self._options.extra_info or self._options.min_size_kb:
            size, is_complete = self._sizes.deep(item)
            if size < self._options.min_size_kb * 1024:
                return None
            if self._options.extra_info:
                texts.append(f"{'' if is_complete else 'more than '}{size / 1024:.1f} kB")
        return r"\n".join(map(_escaped, texts))

    def _connect(self, item: Any, part: Any) -> bool:
        """Add an arrow between two objects; return whether it is new."""
        source, target = self._names[id(item)], self._names[id(part)]
        edge = (target, source) if self._options.backrefs else (source, target)
        if edge in self._edges:
            return False
        if len(self._edges) >= _MAX_EDGES:
            self._left_out[f"references beyond the first {_MAX_EDGES}"] = None
            return False
        self._edges.add(edge)
        self._lines.append(f"{edge[0]} -> {edge[1]};")
        return True


def _escaped(text: str) -> str:
    """Return the text for a quoted string of Graphviz; a type may have any name."""
    safe = "".join(character if character.isprintable() else "?" for character in text)
    return safe.replace("\\", "\\\\").replace('"', '\\"')
