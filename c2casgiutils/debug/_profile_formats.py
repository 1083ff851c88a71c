"""A profile in the formats of other tools."""

from collections.abc import Iterator
from typing import Any

from c2casgiutils.debug._call_tree import WAITING, CallTree, Frame
from c2casgiutils.debug._profile import Profile

_MAX_BYTES = 1_000_000
_MAX_INDEXES = 150_000
"""In all samples of a speedscope file; each takes up to six bytes."""
_LEFT_OUT = "(left out)"
_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def collapsed(profile: Profile) -> str:
    """Return a line for each stack: its frames, separated by `;`, and its time in microseconds.

    `flamegraph.pl`, inferno and speedscope read it. The longest stacks come first; what exceeds 1 MB is added
    up in a stack named `(left out)`.
    """
    texts = list(map(_text, profile.tree.frames))
    lines: list[str] = []
    size = left_out = 0
    for index, microseconds in _longest(profile.tree):
        if size > _MAX_BYTES:
            left_out += microseconds
            continue
        line = f"{';'.join(texts[frame] for frame in profile.tree.path(index))} {microseconds}\n"
        size += len(line)
        lines.append(line)
    if left_out:
        lines.append(f"{_LEFT_OUT} {left_out}\n")
    return "".join(lines)


def _longest(tree: CallTree) -> Iterator[tuple[int, int]]:
    """Return the nodes that took time themselves, the longest first, with that time in microseconds."""
    nodes = [(node.microseconds, index) for index, node in enumerate(tree.nodes) if node.microseconds]
    return ((index, microseconds) for microseconds, index in sorted(nodes, key=lambda item: -item[0]))


def _text(frame: Frame) -> str:
    text = f"{frame.name} ({frame.file}:{frame.line})" if frame.file else frame.name
    return "".join(letter if letter.isprintable() and letter != ";" else "?" for letter in text)


def speedscope(profile: Profile) -> dict[str, Any]:
    """Return the profile for https://www.speedscope.app, which shows it without sending it anywhere.

    Each thread is a profile, and one more for the time in which it waited. The file format is described at
    https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts. What exceeds 1 MB is added
    up in a frame named `(left out)`.
    """
    tree = profile.tree
    frames = [*tree.frames, Frame(name=_LEFT_OUT)]
    threads: dict[str, dict[tuple[int, ...], int]] = {}
    size = 0
    for index, microseconds in _longest(tree):
        thread, *stack = tree.path(index)
        name = frames[thread].name
        if stack and frames[stack[0]].name == WAITING:
            name, stack = f"{name} {WAITING}", stack[1:]
        size += len(stack)
        sample = tuple(stack) if size <= _MAX_INDEXES else (len(tree.frames),)
        samples = threads.setdefault(name, {})
        samples[sample] = samples.get(sample, 0) + microseconds
    return {
        "$schema": _SCHEMA,
        "name": f"{profile.instance}, {profile.seconds:.1f} s",
        "exporter": "c2casgiutils",
        "shared": {"frames": [_frame(frame) for frame in frames]},
        "profiles": [
            _sampled(name, threads[name]) for name in sorted(threads, key=lambda name: WAITING in name)
        ],
    }


def _frame(frame: Frame) -> dict[str, Any]:
    place = {"file": frame.file, "line": frame.line} if frame.file else {}
    return {"name": frame.name, **place}


def _sampled(name: str, samples: dict[tuple[int, ...], int]) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": name,
        "unit": "microseconds",
        "startValue": 0,
        "endValue": sum(samples.values()),
        "samples": [list(sample) for sample in samples],
        "weights": list(samples.values()),
    }
