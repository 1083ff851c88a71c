"""Code in processes that are forked from one in which the packages of others are imported already.

Nothing else has run in that one, and c2casgiutils is not imported: a process takes half of the time of a new
interpreter. It is not for tests about imports, see `tests.support.fresh`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.support.fresh import environment

_SECONDS = 60
# The child leaves the loop and ends as any interpreter does, with its exit functions and maybe a traceback.
# Without `freeze` the garbage collector would write to all memory shared with the parent, and so copy it.
_PARENT = f"""
import gc, json, os, signal, sys, types
import fastapi, fastapi.staticfiles, httpx, jinja2, pydantic_settings, redis.asyncio, sqlalchemy.ext.asyncio

gc.freeze()
for line in sys.stdin:
    if not (child := os.fork()):
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
task = json.loads(line)
signal.alarm({_SECONDS})
os.chdir(task["cwd"])
for number, name in enumerate((os.devnull, os.devnull, task["errors"])):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
sys.modules["__main__"] = types.ModuleType("__main__")
exec(compile(task["code"], "<string>", "exec"), vars(sys.modules["__main__"]))
"""


class Warm:
    """The process that is forked; use it in a `with` block."""

    def __enter__(self) -> Self:
        root = str(Path(__file__).parents[2])
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _PARENT],
            env=environment({"PYTHONPATH": root}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.communicate(timeout=_SECONDS)

    def run(self, code: str, cwd: Path) -> tuple[int, str]:
        """Run code with warnings as errors in a folder; return its exit code and what it wrote to stderr."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        errors = cwd / "errors.txt"
        print(
            json.dumps({"code": code, "cwd": str(cwd), "errors": str(errors)}),
            file=self._parent.stdin,
            flush=True,
        )
        return int(self._parent.stdout.readline()), errors.read_text()
