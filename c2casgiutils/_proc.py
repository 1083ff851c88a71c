"""What the kernel knows of a process, from `/proc` (proc(5)); empty on systems without it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MEMORY = ("vms", "rss", "shared", "text", "lib", "data", "dirty")
"""The kinds of memory in `statm`, in its order; `lib` and `dirty` are 0 since Linux 2.6."""
_MAP_COLUMNS = 5  # address, permissions, offset, device, inode; then the name


class MemoryMap(NamedTuple):
    """The mappings of one name, in bytes.

    Attributes:
        name: The mapped file, a name of the kernel such as `[heap]`, or `[anon]`.
        size: Address space.
        rss: Resident memory.
        pss: Its proportional share: each page divided by the number of processes that map it.
    """

    name: str
    size: int
    rss: int
    pss: int


def memory_kinds(pid: int) -> dict[str, int]:
    """Return the memory of a process in bytes: `rss`, `vms`, `shared`, `text`, `lib`, `data` and `dirty`."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return {}
    page = os.sysconf("SC_PAGE_SIZE")
    return {name: int(number) * page for name, number in zip(_MEMORY, pages, strict=False)}


def own_memory_maps() -> list[MemoryMap]:
    """Return the mappings of this process that use memory, summed up by name, the largest share first.

    The kernel walks the page tables for it, which takes 10 ms and more: call it in a thread.
    """
    sums: dict[str, dict[str, int]] = {}
    for name, field, size in _fields():
        of_name = sums.setdefault(name, {})
        of_name[field] = of_name.get(field, 0) + size
    maps = [MemoryMap(name, of["Size"], of["Rss"], of["Pss"]) for name, of in sums.items() if of.get("Pss")]
    return sorted(maps, key=lambda one: (-one.pss, one.name))


def _fields() -> Iterator[tuple[str, str, int]]:
    """Read the sizes in `smaps`: the name of the mapping, the field, and bytes."""
    name = ""
    try:
        text = Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        first, _, rest = line.partition(" ")
        if not first.endswith(":"):
            columns = line.split(maxsplit=_MAP_COLUMNS)
            name = columns[_MAP_COLUMNS] if len(columns) > _MAP_COLUMNS else "[anon]"
        elif first in {"Size:", "Rss:", "Pss:"}:
            yield name, first[:-1], int(rest.split()[0]) * 1024
