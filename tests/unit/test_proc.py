"""What the kernel tells of a process."""

import mmap
import os

from c2casgiutils import _proc

MIB = 1024 * 1024


def test_memory_grows_with_what_is_used() -> None:
    before = _proc.memory_kinds(os.getpid())
    block = bytearray(b"x" * 50 * MIB)
    after = _proc.memory_kinds(os.getpid())
    assert 45 * MIB <= after["rss"] - before["rss"] <= 60 * MIB
    assert set(after) == {"rss", "vms", "shared", "text", "lib", "data", "dirty"}
    assert len(block) == 50 * MIB


def test_a_process_that_ended_has_no_memory() -> None:
    assert _proc.memory_kinds(2**22 + 1) == {}


def test_maps_are_summed_up_by_name_the_largest_first() -> None:
    with mmap.mmap(-1, 80 * MIB) as shared:
        shared.write(b"x" * 80 * MIB)
        maps = _proc.own_memory_maps()
    assert [one.pss for one in maps] == sorted((one.pss for one in maps), reverse=True)
    assert len({one.name for one in maps}) == len(maps)
    assert all(0 < one.pss <= one.rss <= one.size for one in maps)
    assert maps[0].pss >= 80 * MIB
    assert "[stack]" in {one.name for one in maps}
