"""The comparison of the versions of processes."""

import datetime
from typing import Any

from c2casgiutils.debug import compare_versions
from c2casgiutils.instances import Instance

NOW = datetime.datetime.now(datetime.UTC)


def process(id_: str, git_hash: str | None = "ab12", version: str = "1", **more: Any) -> Instance:
    packages = {"packages": {"fastapi": "0.165"}, **more}
    return Instance(id=id_, hostname="h", pid=1, git_hash=git_hash, version=version, started=NOW, **packages)


def test_same() -> None:
    """Processes of one build are one group without drift."""
    found = compare_versions([process("a"), process("b")])
    assert found.model_dump() == {
        "drift": False,
        "groups": [{"git_hash": "ab12", "version": "1", "instances": ["a", "b"]}],
        "packages": {"fastapi": {"0.165": ["a", "b"]}},
    }


def test_builds() -> None:
    """Another commit, version or unknown commit is another group, the largest first."""
    found = compare_versions(
        [process("a", "cd34"), process("b"), process("c"), process("d", version="2"), process("e", None)]
    )
    assert found.drift
    assert [(group.git_hash, group.version, group.instances) for group in found.groups] == [
        ("ab12", "1", ["b", "c"]),
        ("cd34", "1", ["a"]),
        ("ab12", "2", ["d"]),
        (None, "1", ["e"]),
    ]


def test_packages() -> None:
    """A package of another version, or that a process lacks, is drift, although the build is the same."""
    other = compare_versions([process("a"), process("b", packages={"fastapi": "0.166"})])
    assert other.drift
    assert other.packages == {"fastapi": {"0.165": ["a"], "0.166": ["b"]}}
    assert compare_versions([process("a"), process("b", packages={})]).drift


def test_left_out() -> None:
    """Scripts and lost processes are not compared."""
    gone, script = process("b", "old", liveness="lost"), process("c", None, script="migrate")
    found = compare_versions([process("a"), gone, script])
    assert not found.drift
    assert [group.instances for group in found.groups] == [["a"]]
    assert compare_versions([]).model_dump() == {"drift": False, "groups": [], "packages": {}}
