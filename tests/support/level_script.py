"""A script that tells each level of a logger: `python -m tests.support.level_script NAME`."""

import asyncio
import logging
import os
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from c2casgiutils import cli
from tests.support.processes import Process


async def main(args: Namespace) -> None:
    """Write a line for each change, with its time."""
    told = ""
    while True:
        level = logging.getLevelName(logging.getLogger(args.name).level)
        if level != told:
            told = level
            sys.stdout.write(f"level {level} {time.time()}\n")
            sys.stdout.flush()
        await asyncio.sleep(0.05)


class LevelScript(Process):
    """Such a script; the settings are environment variables."""

    def __init__(self, name: str, settings: dict[str, str]) -> None:
        root = Path(__file__).parents[2]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
        super().__init__(
            [sys.executable, "-m", "tests.support.level_script", name],
            env={**inherited, "PYTHONPATH": str(root), **settings},
            cwd=root,
        )

    def level(self) -> str:
        """The level that it told last."""
        return self._told()[1]

    def since(self) -> float:
        """Since when it has this level, in seconds since 1970."""
        return float(self._told()[2])

    def _told(self) -> list[str]:
        told = [line.split(" ") for line in self.output.splitlines() if line.startswith("level ")]
        return told[-1] if told else ["level", "", "0"]


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("name")
    cli.run(main, parser)
