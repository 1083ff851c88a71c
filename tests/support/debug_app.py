"""An application whose routes block its event loop in several ways.

Most do until the file of their parameter is gone, into which they write when they begin.
"""

import ctypes
import os
import struct
import time
from pathlib import Path

from fastapi import FastAPI

import c2casgiutils

_IN_DELETE_SELF = 0x400
_POLLIN = 1
_MAX_MILLISECONDS = 300_000

app = FastAPI(title="blocked now and then")
c2casgiutils.install(app, logging=False)


@app.get("/")
async def pid() -> int:
    return os.getpid()


@app.get("/busy/{seconds}")
async def busy(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def compute(path: str) -> None:
    Path(path).write_text("computing")
    while os.access(path, os.F_OK):  # neither a frame of its own, nor a wait
        pass


@app.post("/computing")
async def computing(path: str) -> None:
    compute(path)


@app.post("/asleep")
async def asleep(path: str) -> None:
    Path(path).write_text("asleep")  # noqa: ASYNC240  # what the tests are about
    while os.access(path, os.F_OK):
        time.sleep(0.05)  # noqa: ASYNC251


@app.post("/held")
async def held(path: str) -> None:
    """Hold the GIL all the time: `PyDLL`, unlike `CDLL`, does not release it during a call."""
    file = Path(path)
    file.touch()  # noqa: ASYNC240
    libc = ctypes.PyDLL(None)
    events = libc.inotify_init()
    libc.inotify_add_watch(events, os.fsencode(path), _IN_DELETE_SELF)
    file.write_text("held")  # noqa: ASYNC240
    libc.poll(struct.pack("ihh", events, _POLLIN, 0), 1, _MAX_MILLISECONDS)
    os.close(events)
