"""What an import costs, as ratios to `import fastapi` in the same run.

Each statement runs in fresh interpreters, in turn, and the medians of its CPU time are compared:
`import c2casgiutils.config` with at most 75 % of `import fastapi`, `import c2casgiutils` and the access to
`app` with at most 130 %.
"""

import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 7
STATEMENTS = {
    "import fastapi": 1.0,
    "import c2casgiutils.config": 0.75,
    "import c2casgiutils; c2casgiutils.app": 1.3,
}


def seconds(statement: str, cache: str) -> float:
    """CPU time of the statement in a fresh interpreter, whose own start is excluded."""
    code = f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    # Compiled modules for all, as an installed package has them.
    env = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    """Print the medians and the ratios; 1 when a ratio is above its goal."""
    samples: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    with tempfile.TemporaryDirectory() as cache:
        for statement in STATEMENTS:
            seconds(statement, cache)
        for _ in range(ROUNDS):
            for statement, values in samples.items():
                values.append(seconds(statement, cache))
    base = statistics.median(samples["import fastapi"])
    failed = False
    for statement, goal in STATEMENTS.items():
        ratio = statistics.median(samples[statement]) / base
        failed |= ratio > goal
        verdict = "ok" if ratio <= goal else "ABOVE"
        milliseconds = ratio * base * 1000
        print(f"{statement:40} {milliseconds:7.0f} ms  {ratio:5.2f} x fastapi (goal {goal:.2f})  {verdict}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
