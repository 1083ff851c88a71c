"""The sampling profiler and its formats."""

import asyncio
import gc
import json
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from c2casgiutils import config, debug
from c2casgiutils.debug._call_tree import WAITING, CallTree, Frame, Node, TreeBuilder
from c2casgiutils.debug._profile import Profile, Profiles
from c2casgiutils.debug._sampler import Sampler
from c2casgiutils.debug._slots import BusyError, Slot
from tests.support.fresh import run_fresh
from tests.support.net import eventually


def hot() -> None:
    """Compute for 20 ms, however long it waits for a processor."""
    end = time.thread_time() + 0.02
    while time.thread_time() < end:
        pass


def cold() -> None:
    """The same for 5 ms."""
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        pass


async def serve(seconds: float) -> tuple[float, float]:
    """Call both again and again, as requests do, and wait in between; return how long each of them took."""
    took = {hot: 0.0, cold: 0.0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for work in took:
            began = time.perf_counter()
            work()
            took[work] += time.perf_counter() - began
            await asyncio.sleep(0.005)
    return took[hot], took[cold]


def names(tree: CallTree) -> list[str]:
    return [tree.frames[node.frame].name for node in tree.nodes]


def total_of(tree: CallTree, name: str) -> int:
    """The busy time of a function with all that it called."""
    totals = tree.totals(without=WAITING)
    return sum(total for total, found in zip(totals, names(tree), strict=True) if found == name)


@pytest.fixture
def profiles() -> Profiles:
    config.settings = config.Settings(debug={"enabled": True})
    return Profiles(Slot("One runs already"))


async def done(profiles: Profiles, id_: str) -> Profile:
    async def is_done() -> bool:
        return profiles.find(id_).state == "done"

    await eventually(is_done, seconds=30)
    profile = profiles.find(id_).profile
    assert profile is not None
    return profile


def test_a_hot_function_is_at_the_top() -> None:
    """Its share of the busy time is that of a clock around the same calls, within 10 points."""
    # in a process that coverage does not trace
    done = run_fresh(
        f"import asyncio\nfrom {__name__} import compare\nasyncio.run(compare())",
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "C2C__DEBUG__ENABLED": "True"},
    )
    assert done.returncode == 0, done.stderr


async def compare() -> None:
    """Profile and measure the same calls: others have another load of the machine.

    cProfile cannot measure them: from Python 3.12 on it takes the calls of the sampler's thread for theirs.
    """
    profiles = Profiles(Slot("One runs already"))
    id_ = profiles.start(seconds=5, hz=250)
    of_hot, of_cold = await serve(5.2)
    profile = await done(profiles, id_)
    tree = profile.tree
    busy = [line for line in debug.collapsed(profile).splitlines() if WAITING not in line]
    top = next(line for line in busy if line.startswith(threading.current_thread().name))
    assert top.rpartition(";")[2].startswith("hot (")
    sampled = total_of(tree, "hot") / total_of(tree, "serve")
    measured = of_hot / (of_hot + of_cold)
    assert abs(sampled - measured) < 0.1


async def test_waiting_is_told_apart(profiles: Profiles) -> None:
    """An event loop and threads without work wait; `time.sleep` in a function does not count as waiting."""
    ended = threading.Event()
    waiter = threading.Thread(target=ended.wait, name="idle-of-the-test")
    waiter.start()
    id_ = profiles.start(seconds=0.6, hz=100)
    await asyncio.sleep(0.3)
    time.sleep(0.2)  # noqa: ASYNC251  # blocks the event loop on purpose
    tree = (await done(profiles, id_)).tree
    ended.set()
    waiter.join()
    main = threading.current_thread().name
    blocked = total_of(tree, main)
    everything = dict(zip(names(tree), tree.totals(), strict=True))
    assert blocked > 150_000
    assert everything[main] - blocked > 100_000
    assert total_of(tree, "idle-of-the-test") == 0
    assert everything["idle-of-the-test"] > 400_000
    assert any("test_waiting_is_told_apart" in name for name in names(tree))


@pytest.mark.parametrize("hz", [1, 1000])
async def test_frequency_and_end(profiles: Profiles, hz: int) -> None:
    id_ = profiles.start(seconds=1, hz=hz)
    state = profiles.find(id_)
    assert (state.state, 0 < state.remaining_seconds <= 1) == ("running", True)
    profile = await done(profiles, id_)
    assert 1 <= profile.seconds < 30
    assert 1 <= profile.samples <= 1.2 * hz * profile.seconds
    assert (profile.hz, profile.id, id_.endswith(profile.instance)) == (hz, id_, True)


async def test_threads_take_turns_as_before_afterwards(profiles: Profiles) -> None:
    usual = sys.getswitchinterval()
    await done(profiles, profiles.start(seconds=0.05, hz=100))
    assert sys.getswitchinterval() == usual


async def test_one_at_a_time(profiles: Profiles) -> None:
    id_ = profiles.start(seconds=30, hz=10)
    with pytest.raises(BusyError):
        profiles.start(seconds=1, hz=10)
    profiles.stop()
    assert (await done(profiles, id_)).seconds < 10
    profiles.start(seconds=0.01, hz=10)


async def test_only_the_last_ones_are_kept(profiles: Profiles) -> None:
    ids = []
    for _ in range(7):
        ids.append(profiles.start(seconds=0.02, hz=100))
        await done(profiles, ids[-1])
    assert [profiles.find(id_).state for id_ in ids] == ["unknown"] * 2 + ["done"] * 5


async def test_kept_for_a_while(profiles: Profiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2casgiutils.debug._profile._KEPT_SECONDS", 0.5)
    id_ = profiles.start(seconds=0.02, hz=100)
    await done(profiles, id_)

    async def is_gone() -> bool:
        return profiles.find(id_).state == "unknown"

    await eventually(is_gone, seconds=10)


async def test_disabled(profiles: Profiles) -> None:
    config.settings.debug.enabled = False
    with pytest.raises(debug.DisabledError):
        profiles.start(seconds=1, hz=10)
    config.settings.debug.enabled = True
    profiles.start(seconds=0.01, hz=10)


def test_objects_of_other_threads_are_not_kept() -> None:
    """Between samples no frame is held: what a function used is freed when it ends."""

    class Local:
        pass

    references: list[weakref.ref[Local]] = []
    proceed, seen = threading.Event(), threading.Event()

    def work() -> None:
        local = Local()
        references.append(weakref.ref(local))
        seen.set()
        proceed.wait(10)

    worker = threading.Thread(target=work)
    worker.start()
    seen.wait(10)
    stopped = threading.Event()
    sampler = Sampler(30, 1)
    watcher = threading.Thread(target=sampler.run, args=(stopped,))
    watcher.start()
    while sampler.samples < 1:
        time.sleep(0.01)
    proceed.set()
    worker.join()
    gc.collect()
    assert references[0]() is None
    stopped.set()
    watcher.join()


def create_tree(paths: dict[str, int]) -> CallTree:
    """A tree of stacks such as `thread;outer;inner`, in microseconds."""
    builder = TreeBuilder(1_000_000)
    for path, microseconds in paths.items():
        node = -1
        for name in path.split(";"):
            node = builder.child(node, name, Frame(name=name, file="app/views.py", line=7))
        builder.add(node, microseconds)
    return builder.tree


def create_profile(tree: CallTree) -> Profile:
    return Profile(id="0123456789abcdef.web:1:2", instance="web:1:2", seconds=1, hz=100, samples=9, tree=tree)


def test_totals_and_paths() -> None:
    tree = create_tree({"main;a;b": 5, "main;a": 2, "main;(waiting);c": 9, "other;(waiting)": 1})
    assert dict(zip(names(tree), tree.totals(), strict=True))["main"] == 16
    assert dict(zip(names(tree), tree.totals(without=WAITING), strict=True))["main"] == 7
    assert [tree.frames[frame].name for frame in tree.path(2)] == ["main", "a", "b"]


def test_pruned() -> None:
    """The time of short calls goes to their callers; nothing is lost."""
    tree = create_tree({"main;a;b": 5, "main;a;c": 1, "main;d;e": 1, "main;d": 3}).pruned(3)
    assert names(tree) == ["main", "a", "b", "d"]
    assert [node.microseconds for node in tree.nodes] == [0, 1, 5, 4]


def test_pruned_threads() -> None:
    """Short threads are one, whose waiting is still told apart."""
    tree = create_tree({"main;a": 9, "t1;b": 1, "t1;(waiting);c": 5, "t2;(waiting);c": 4, "t2;d": 2}).pruned(
        8
    )
    assert names(tree) == ["main", "a", "(other threads)", WAITING]
    assert [node.microseconds for node in tree.nodes] == [0, 9, 3, 9]


def test_very_many_threads() -> None:
    """A tree of threads alone, each with a name of its own, fits into a message, too."""
    tree = create_tree({f"{'thread' * 20}{number};(waiting);run": 1 for number in range(8000)}).bounded()
    assert len(tree.model_dump_json()) <= 900_000
    assert sum(node.microseconds for node in tree.nodes) == 8000


def test_bounded() -> None:
    """A tree fits into a message, with the same time in sum and the longest calls."""
    tree = create_tree({f"main;{'f' * 180}{number}": 1 + number for number in range(6000)})
    assert len(tree.model_dump_json()) > 1_000_000
    small = tree.bounded()
    assert len(small.model_dump_json()) <= 900_000
    assert small.totals()[0] == tree.totals()[0]
    assert names(small)[-1] == names(tree)[-1]


def test_a_full_tree_counts_for_the_callers() -> None:
    builder = TreeBuilder(2)
    first = builder.child(-1, "main", Frame(name="main"))
    second = builder.child(first, "a", Frame(name="a"))
    assert builder.child(second, "b", Frame(name="b")) == second
    assert builder.find(-1, ["main", "a", "b"]) == (second, 2)


@pytest.mark.parametrize(("parent", "frame"), [(0, 0), (1, 0), (-2, 0), (-1, 1), (-1, -1)], ids=str)
def test_what_is_no_tree_is_refused(parent: int, frame: int) -> None:
    """What another process sends cannot make a path endless."""
    with pytest.raises(ValidationError):
        CallTree(frames=[Frame(name="x")], nodes=[Node(parent=parent, frame=frame, microseconds=1)])


@pytest.mark.parametrize(
    "state",
    [
        {"state": "running", "remaining_seconds": float("nan")},
        {"state": "running", "remaining_seconds": float("inf")},
        {"state": "running", "remaining_seconds": -1},
        {"state": "done", "profile": {"tree": {"frames": [], "nodes": []}}},
        {"state": "lost"},
    ],
)
def test_what_is_no_state_is_refused(state: dict[str, Any]) -> None:
    """What another process sends cannot make a view fail."""
    with pytest.raises(ValidationError):
        debug.ProfileState.model_validate(state)


def test_collapsed() -> None:
    tree = create_tree({"main;a\n;b": 5, "main;a\n": 7})
    assert debug.collapsed(create_profile(tree)) == (
        "main (app/views.py:7);a? (app/views.py:7) 7\n"
        "main (app/views.py:7);a? (app/views.py:7);b (app/views.py:7) 5\n"
    )


def test_large_profiles() -> None:
    """Both formats stay near 1 MB, and tell the time of what they leave out."""
    tree = create_tree(
        {";".join(["main", *(f"{'f' * 150}{n}" for n in range(60)), f"leaf{n}"]): 1 for n in range(5000)}
    )
    text = debug.collapsed(create_profile(tree))
    assert 900_000 < len(text) < 1_010_000
    assert sum(int(line.rpartition(" ")[2]) for line in text.splitlines()) == 5000
    assert text.splitlines()[-1].startswith("(left out) ")
    file = debug.speedscope(create_profile(tree))
    assert len(json.dumps(file)) < 1_500_000
    assert sum(file["profiles"][0]["weights"]) == 5000


UNITS = {"none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"}


def check_speedscope(file: dict[str, Any]) -> None:
    """Compare with the types of speedscope's file-format-spec.ts."""
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = file["shared"]["frames"]
    for frame in frames:
        assert isinstance(frame["name"], str)
        assert set(frame) <= {"name", "file", "line", "col"}
        assert isinstance(frame.get("line", 1), int)
    for profile in file["profiles"]:
        assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
        assert (profile["type"], profile["unit"] in UNITS) == ("sampled", True)
        assert len(profile["samples"]) == len(profile["weights"])
        assert all(0 <= index < len(frames) for sample in profile["samples"] for index in sample)
        assert profile["endValue"] - profile["startValue"] == sum(profile["weights"])


def test_speedscope() -> None:
    """Each thread is a profile, its waiting another one, which comes later."""
    tree = create_tree({"main;a;b": 5, "main;(waiting);select": 9, "pool;(waiting);get": 1, "pool;c": 2})
    file = json.loads(json.dumps(debug.speedscope(create_profile(tree))))
    check_speedscope(file)
    assert [(one["name"], one["endValue"]) for one in file["profiles"]] == [
        ("main", 5),
        ("pool", 2),
        ("main (waiting)", 9),
        ("pool (waiting)", 1),
    ]
    stack = [file["shared"]["frames"][index]["name"] for index in file["profiles"][0]["samples"][0]]
    assert stack == ["a", "b"]


async def test_speedscope_of_a_real_profile(profiles: Profiles) -> None:
    id_ = profiles.start(seconds=0.2, hz=200)
    await serve(0.3)
    check_speedscope(debug.speedscope(await done(profiles, id_)))
