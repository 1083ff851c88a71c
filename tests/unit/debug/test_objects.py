"""Looking at objects without running their code."""

import linecache
import sys
import threading
import time
import types
from typing import Any, NoReturn

import pytest

from c2casgiutils.debug._budget import Budget, TimeIsUpError
from c2casgiutils.debug._growth import Growth
from c2casgiutils.debug._memory import describe
from c2casgiutils.debug._objects import Sizes, referents, type_name
from c2casgiutils.debug._references import GraphOptions, draw
from tests.support.fresh import run_fresh

pytestmark = pytest.mark.usefixtures("small_heap")


def refuse(*_: Any) -> NoReturn:
    pytest.fail("code of the application ran")


def create_hostile_class() -> Any:
    """A class whose objects cannot be looked at without running code; pytest looks at those of modules."""

    class Trap(type):
        __getattribute__ = refuse
        __instancecheck__ = refuse
        __subclasscheck__ = refuse

    class Hostile(metaclass=Trap):
        __getattribute__ = refuse
        __sizeof__ = refuse
        __repr__ = refuse
        __str__ = refuse
        __len__ = refuse
        __iter__ = refuse
        __bool__ = refuse
        __eq__ = refuse
        __hash__ = None  # type: ignore[assignment]  # not hashable
        __class__ = property(refuse)  # as of a proxy

    return Hostile


HOSTILE = f"{__name__}.create_hostile_class.<locals>.Hostile"


def create_module() -> types.ModuleType:
    """A module with something in its namespace that the garbage collector tracks."""
    module = types.ModuleType("made_up")
    vars(module)["things"] = []
    return module


class Leaked:
    """An object of the tests."""


def test_names_of_types() -> None:
    assert type_name(dict) == "builtins.dict"
    assert type_name(threading.Thread) == "threading.Thread"
    assert type_name(type("Renamed", (), {"__module__": property(refuse)})) == "?.Renamed"
    assert type_name(type("x" * 10_000, (), {})) == f"{__name__}.{'x' * 10_000}"[:200]


def test_objects_of_hostile_classes() -> None:
    """h/D07: counting, measuring and drawing them runs no code of theirs."""
    hostile = create_hostile_class()
    kept = [hostile() for _ in range(3)]
    memory = describe(analyze_type=HOSTILE, limit=100).model_dump()
    assert memory[HOSTILE]["count"] == 3
    assert len(memory[HOSTILE]["biggest_objects"]) == 3
    for backrefs in (False, True):
        graph = draw(GraphOptions(analyze_type=HOSTILE, backrefs=backrefs, max_depth=1))
        assert graph.count(f'label="{HOSTILE}') == 3
    growth = Growth(100)
    growth.begin()
    kept += [hostile() for _ in range(2)]
    assert (HOSTILE, 2) in [(name, delta) for name, _, delta in growth.end()[1]]
    assert len(kept) == 5


def test_size_with_all_parts() -> None:
    """Parts are counted once; modules, classes and functions are no parts."""
    text, number = "x" * 1000, 2**1000
    shared = [text, text, number]
    expected = sys.getsizeof([shared, shared, sys, Leaked, describe]) + sys.getsizeof(shared)
    expected += sys.getsizeof(text) + sys.getsizeof(number)
    assert Sizes(Budget()).deep([shared, shared, sys, Leaked, describe]) == (expected, True)


def test_size_of_an_object_that_refers_to_itself() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert Sizes(Budget()).deep(ring) == (sys.getsizeof(ring), True)


def test_size_of_an_object_that_refers_to_very_many() -> None:
    size, is_complete = Sizes(Budget()).deep([[] for _ in range(20_000)])
    assert not is_complete
    assert size > 20_000 * 8


def test_budget() -> None:
    """It ends, and lets other threads run meanwhile."""
    budget = Budget(0.2)
    started = time.monotonic()
    with pytest.raises(TimeIsUpError):
        for _ in budget.chunks(range(10**12), 10):
            pass
    assert 0.2 <= time.monotonic() - started < 30
    assert [list(chunk) for chunk in Budget().chunks([1, 2, 3], 2)] == [[1, 2], [3]]


def test_what_takes_too_long_is_left_out() -> None:
    """Without time left, the lists are empty and the report says so; there is no graph then."""
    found = describe(budget=Budget(0), analyze_type="builtins.dict").model_dump()
    assert (found["timeout"], found["most_common_types"], "builtins.dict" in found) == (True, [], False)
    with pytest.raises(TimeIsUpError):
        draw(GraphOptions(analyze_type=f"{__name__}.Leaked"), budget=Budget(0))


def test_very_many_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of objects, what would take much memory is left out; the rest is not."""
    monkeypatch.setattr("c2casgiutils.debug._memory._MAX_REFERENCED", 10)
    found = describe(analyze_type=f"{__name__}.Leaked").model_dump()
    assert (found["timeout"], found["leaking_objects"]) == (True, [])
    assert found["most_common_types"]
    assert found[f"{__name__}.Leaked"]


@pytest.mark.parametrize(
    ("type_", "key"),
    [
        pytest.param("builtins.function", "modules", id="functions"),
        pytest.param("linecache", "biggest_objects", id="source lines"),
        pytest.param(f"{__name__}.Leaked", "biggest_objects", id="class"),
        pytest.param("builtins.dict", "biggest_objects", id="dict"),
        pytest.param("no.such", "biggest_objects", id="unknown"),
        pytest.param("__main__.X", "biggest_objects", id="leading underscores"),
    ],
)
def test_analysis_stands_under_its_type(type_: str, key: str) -> None:
    functions = [lambda: None for _ in range(1000)]
    memory = describe(analyze_type=type_, limit=5).model_dump(mode="json")
    assert len(memory[type_][key]) <= 5
    assert [name for name, _ in memory["most_common_types"]].count("builtins.function") == 1
    assert len(memory["nb_collected"]) == 3
    assert len(functions) == 1000


def test_biggest_objects_come_first_without_their_value() -> None:
    """h/D05: type, size and id of an object, never its `repr`."""
    kept = [Leaked() for _ in range(3)]
    for number, item in enumerate(kept):
        vars(item)["secret"] = "hunter2" * 1000 * number
    report = describe(analyze_type=f"{__name__}.Leaked").model_dump_json()
    found = describe(analyze_type=f"{__name__}.Leaked").model_dump()[f"{__name__}.Leaked"]
    assert [one["id"] for one in found["biggest_objects"]] == [id(item) for item in reversed(kept)]
    assert 13.5 < found["biggest_objects"][0]["size_kb"] < 16
    assert "hunter2" not in report


def test_sizes_of_source_lines_are_in_kb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linecache, "cache", {})  # one of the largest files, whatever was read before
    lines = linecache.getlines(__file__)
    found = describe(analyze_type="linecache").model_dump()["linecache"]
    (one,) = found["biggest_objects"]
    assert (found["count"], one["filename"]) == (1, __file__)
    assert one["size_kb"] == pytest.approx(sum(map(sys.getsizeof, lines)) / 1024, abs=0.1)


def test_namespaces_of_modules() -> None:
    """They are left out of the dictionaries, or are all there is."""
    describe()  # the first one in a process fills caches
    modules = [create_module() for _ in range(3)]
    total = dict(describe().most_common_types)["builtins.dict"]
    plain = describe(analyze_type="builtins.dict").model_dump()["builtins.dict"]["count"]
    internals = describe(python_internals_map=True).model_dump()["builtins.dict"]["count"]
    assert internals == len(modules)
    assert plain + internals == pytest.approx(total, rel=0.02)


def test_objects_without_references() -> None:
    """What only a running function holds is listed, what another object holds is not."""
    alone = Leaked()
    held = [Leaked(), Leaked()]
    found = dict(describe(limit=100).leaking_objects)
    assert found[f"{__name__}.Leaked"] == 1
    assert type(alone) is type(held[0])


def test_referents_of_a_module() -> None:
    """Of a module only the namespace is looked at, not what the state of an extension module holds."""
    module, other = sys.modules["_asyncio"], [Leaked()]
    assert list(map(id, referents(module))) == [id(vars(module))]
    assert list(map(id, referents(other, module))) == [id(other[0]), id(vars(module))]


_ITERATORS = """
import asyncio, sys
from c2casgiutils.debug._memory import describe
from c2casgiutils.debug._references import GraphOptions, draw

loop = asyncio.new_event_loop()
future = loop.create_future()
freed = [iter(future) for _ in range(5)]
del freed
{action}
used_again = [iter(future) for _ in range(10)]
assert len(set(map(id, used_again))) == 10
loop.close()
"""


@pytest.mark.parametrize(
    "action",
    [
        pytest.param("describe()", id="memory"),
        pytest.param("describe(analyze_type='builtins.module')", id="sizes"),
        pytest.param("draw(GraphOptions(analyze_id=id(sys.modules['_asyncio'])))", id="references"),
        pytest.param("draw(GraphOptions(analyze_type='builtins.dict', backrefs=True))", id="back references"),
    ],
)
def test_freed_iterators_are_not_looked_at(action: str) -> None:
    """Python 3.12.1 keeps them in the state of `_asyncio`; they were freed twice, and the process crashed."""
    env = {"PYTHONMALLOC": "debug", "PYTHONFAULTHANDLER": "1"}
    done = run_fresh(_ITERATORS.format(action=action), env=env)
    assert done.returncode == 0, done.stderr
