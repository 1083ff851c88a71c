"""Break a cluster at random and check what it promised: `python -m tests.soak --seeds 1 2 3 --seconds 60`.

The exit code is 1 if a promise was broken. The record of such a run, and what its processes logged, are kept.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.checker import Checker
from tests.soak.run import Run

_SHOWN = 5
"""Violations of each rule; the record has all."""


async def main(seeds: list[int], seconds: float) -> int:
    """Run each seed; return how many of them broke a promise."""
    bad = 0
    for seed in seeds:
        began = time.monotonic()
        run = Run(seed, seconds)
        record = await run.execute()
        violations = Checker(record).violations()
        took = time.monotonic() - began
        print(f"seed {seed} ({run.topology}, {took:.0f} s): {len(violations)} violations; {record.counts()}")
        waits = ", ".join(f"{checkpoint.end - checkpoint.start:.1f}" for checkpoint in record.checkpoints)
        print(f"  {', '.join(record.faults)}\n  equal after {waits} s", flush=True)
        if violations:
            bad += 1
            directory = Path(tempfile.mkdtemp(prefix=f"c2casgiutils-soak-{seed}-"))
            record.write(directory / "record.json")
            for pid, text in run.logs.items():
                (directory / f"{pid}.log").write_text(text, encoding="utf-8")
            _print(violations)
            print(f"  record and logs: {directory}", flush=True)
    return bad


def _print(violations: list[str]) -> None:
    """Print the first violations of each rule, and how many more there are."""
    for rule, found in itertools.groupby(violations, key=lambda violation: violation.partition(":")[0]):
        texts = list(found)
        print("\n".join(f"  {text}" for text in texts[:_SHOWN]))
        if len(texts) > _SHOWN:
            print(f"  and {len(texts) - _SHOWN} more: {rule}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=60, help="how long each seed breaks things")
    arguments = parser.parse_args()
    sys.exit(1 if asyncio.run(main(arguments.seeds, arguments.seconds)) else 0)
