"""The graph of references."""

import re
from typing import Any

import pytest

from c2casgiutils.debug._references import GraphOptions, UnknownObjectError, draw

pytestmark = pytest.mark.usefixtures("small_heap")


class Node:
    """An object of the tests."""

    def __init__(self, parts: list[Any] | None = None) -> None:
        self.parts = parts or []


class Root:
    """Where the graph begins."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts


ROOT = f"{__name__}.Root"


def nodes(graph: str) -> dict[str, str]:
    """The labels by the names of the nodes."""
    return dict(re.findall(r'^(n\d+) \[label="(.*)"\];$', graph, re.MULTILINE))


def edges(graph: str) -> list[tuple[str, str]]:
    """Each reference as the labels of both ends, without sizes."""
    labels = {name: label.split(r"\n")[0] for name, label in nodes(graph).items()}
    found = re.findall(r"^(n\d+) -> (n\d+);$", graph, re.MULTILINE)
    return [(labels[source], labels[target]) for source, target in found]


def test_references_and_back_references() -> None:
    """By default the graph follows references, with `backrefs` it finds what keeps an object alive."""
    leaf = Node()
    root = Root([leaf])
    forward = draw(GraphOptions(analyze_id=id(root), max_depth=2))
    assert any(target == f"{__name__}.Node" for _, target in edges(forward))
    assert f"id {id(leaf)}" in forward
    backward = draw(GraphOptions(analyze_id=id(leaf), max_depth=3, backrefs=True))
    assert f"id {id(root)}" in backward
    assert f"id {id(root)}" not in draw(GraphOptions(analyze_id=id(leaf), max_depth=3))


def test_extra_information_can_be_left_out() -> None:
    root = Root([])
    assert "kB" in draw(GraphOptions(analyze_id=id(root)))
    assert "kB" not in draw(GraphOptions(analyze_id=id(root), extra_info=False))


def test_depth() -> None:
    chain = Root([Node([Node([Node()])])])
    found = [
        draw(GraphOptions(analyze_id=id(chain), max_depth=depth)).count(f"{__name__}.Node")
        for depth in (1, 5)
    ]
    assert found[0] < found[1] <= 3


def test_too_many_references_are_left_out() -> None:
    root = Root([Node() for _ in range(50)])
    graph = draw(GraphOptions(analyze_id=id(root), too_many=7))
    assert graph.count(f"{__name__}.Node") == 7
    assert "// Left out: references of objects that have too many." in graph


def test_small_objects_are_left_out() -> None:
    root = Root([Node(["x" * 5000]), Node(["x"])])
    graph = draw(GraphOptions(analyze_id=id(root), min_size_kb=4))
    assert graph.count(f"{__name__}.Node") == 1


def test_limit_of_the_whole_graph() -> None:
    """h/D12: there are at most 500 objects and 5,000 references, however many there could be."""
    layer: list[Any] = [Node() for _ in range(90)]
    for _ in range(5):
        layer = [Node(layer) for _ in range(90)]
    root = Root(layer)
    graph = draw(GraphOptions(analyze_id=id(root), max_depth=5, too_many=100, extra_info=False))
    assert len(nodes(graph)) <= 500
    assert len(edges(graph)) <= 5_000
    assert len(graph) < 500_000
    wide = Root([[Node() for _ in range(90)] for _ in range(90)])
    graph = draw(GraphOptions(analyze_id=id(wide), max_depth=5, too_many=100, extra_info=False))
    assert len(nodes(graph)) == 500
    assert "// Left out: objects beyond the first 500." in graph


@pytest.mark.parametrize("number", [0, 1, 7, 2**63, 2**200])
def test_an_id_is_never_used_as_an_address(number: int) -> None:
    """h/D11: it is looked up among the objects that the collector knows."""
    with pytest.raises(UnknownObjectError):
        draw(GraphOptions(analyze_id=number))


def test_names_are_escaped() -> None:
    """h/D13: a class of any name cannot add to the graph or to a page."""
    name = 'x"]; evil -> n0; y [label="\\\n<script>'
    root = type(name, (Root,), {})([])
    graph = draw(GraphOptions(analyze_id=id(root)))
    first = graph.splitlines()[2]
    assert first.startswith(f'n0 [label="{__name__}.x\\"]; evil -> n0; y [label=\\"\\\\?<script>\\nid ')
    assert "evil ->" not in [line[:7] for line in graph.splitlines()]


def test_the_graph_does_not_show_itself() -> None:
    """A second graph does not find what the first one used."""
    root = Root([])
    draw(GraphOptions(analyze_id=id(root), backrefs=True))
    graph = draw(GraphOptions(analyze_id=id(root), backrefs=True, max_depth=5, too_many=100))
    assert "debug._references" not in graph
    assert "GraphOptions" not in graph
