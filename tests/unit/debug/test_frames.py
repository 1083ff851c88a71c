"""Reading the frames of other threads while garbage is collected, and those of coroutines that run.

Python 3.11 may collect whenever it creates the object of a frame. Each script has a callback of the collector
that does what another thread may do meanwhile; it ended in a crash or a deadlock.
"""

import sys

import pytest

from tests.support.fresh import run_fresh

_ONLY_WHILE_CREATING = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="collects between instructions, where a coroutine may end at any time"
)

_START = """
import gc, sys, threading
from c2casgiutils.debug._frames import await_chain, stack_of, thread_frames

def at_collection(number, action):
    "Run an action at the n-th collection from now on, and collect all the time."
    def count(phase, info):
        nonlocal number
        number -= phase == "start"
        if phase == "start" and number == 0:
            action()
    gc.callbacks.append(count)
    gc.freeze()
    gc.set_threshold(1)
"""

_THREAD_RETURNS = """
def descend(depth):
    if depth:
        return descend(depth - 1)
    ready.set()
    proceed.wait()

def end():
    proceed.set()
    thread.join()

ready, proceed = threading.Event(), threading.Event()
thread = threading.Thread(target=descend, args=(800,))
thread.start()
ready.wait()
frame = thread_frames()[thread.ident]
at_collection(10, end)
stack = stack_of(frame)
gc.callbacks.clear()
end()
assert sum(frame.f_code.co_name == "descend" for frame in stack) == 801
"""

_THREAD_STARTS = """
proceed = threading.Event()
threads = [threading.Thread(target=proceed.wait) for _ in range(30)]
for thread in threads:
    thread.start()

def start():
    other = threading.Thread(target=int)
    other.start()
    other.join()

at_collection(10, start)
assert len(thread_frames()) == 31
gc.callbacks.clear()
proceed.set()
"""

_COROUTINE_ENDS = """
import types

@types.coroutine
def pause():
    yield

async def descend(depth):
    await (descend(depth - 1) if depth else pause())

coroutine = descend(200)
coroutine.send(None)
at_collection(10, coroutine.close)
chain = await_chain(coroutine)
gc.callbacks.clear()
coroutine.close()
del coroutine
assert [frame.f_code.co_name for frame in chain] == ["descend"] * 201 + ["pause"]
assert all(frame.f_back is None for frame in chain)
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_THREAD_RETURNS, id="thread returns"),
        pytest.param(_THREAD_STARTS, id="thread starts"),
        pytest.param(_COROUTINE_ENDS, id="coroutine ends", marks=_ONLY_WHILE_CREATING),
    ],
)
def test_collection_while_frames_are_read(script: str) -> None:
    """No collection takes place while frames are read, so all that were there at the beginning are found."""
    done = run_fresh(_START + script, env={"PYTHONMALLOC": "debug", "PYTHONFAULTHANDLER": "1"})
    assert done.returncode == 0, done.stderr


_COROUTINE = """
async def numbers():
    for number in range(1000):
        read()
        yield number

async def run():
    async for _ in numbers():
        pass

owner = run()
"""

_GENERATOR = """
class Numbers:
    number = 0

    def __iter__(self):
        return self

    def __next__(self):
        read()
        self.number += 1
        if self.number == 1000:
            raise StopIteration

def run():
    yield from Numbers()

owner = run()
"""

_ASYNCHRONOUS_GENERATOR = """
async def numbers():
    for number in range(1000):
        read()
        yield number

async def run():
    async for _ in numbers():
        pass
    yield

owner = run()
"""

_READ = """
import sys
from c2casgiutils.debug._frames import await_chain

def read():
    lengths.add(len(await_chain(owner)))

lengths = set()
{define}
resumable = owner.__anext__() if hasattr(owner, "__anext__") else owner
try:
    while True:
        resumable.send(None)
except (StopIteration, StopAsyncIteration):
    pass
assert lengths == {{1}}, lengths
"""


@pytest.mark.parametrize(
    "define",
    [
        pytest.param(_COROUTINE, id="coroutine"),
        pytest.param(_GENERATOR, id="generator"),
        pytest.param(_ASYNCHRONOUS_GENERATOR, id="asynchronous generator"),
    ],
)
def test_chain_of_what_runs(define: str) -> None:
    """It ends there: Python 3.12 crashed the 126th time that what a running coroutine awaits was read."""
    done = run_fresh(_READ.format(define=define), env={"PYTHONFAULTHANDLER": "1"})
    assert done.returncode == 0, done.stderr
