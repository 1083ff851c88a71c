"""What the probes and the checks cost: `python benchmarks/health.py [--seconds 2] [--rounds 5]`.

Requests per second of `livez` and of `health/` with three cached checks, beside a bare FastAPI JSON route
of the same application, under one uvicorn worker and wrk, in interleaved rounds. Printed is the median of
the ratios; the exit code is 1 when a goal is missed. The lines under the mount and with a secret
configured are shown for comparison.
"""

import argparse
import re
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.processes import Uvicorn, binary

GOALS = {"/livez": 1.5, "/health/": 0.7}
SHOWN = ["/readyz", "/c2c/livez", "/c2c/health/"]
BARE = "/bare"


def requests_per_second(url: str, seconds: int) -> float:
    command = [
        binary("wrk", "wrk"),
        "--threads",
        "1",
        "--connections",
        "16",
        "--duration",
        f"{seconds}s",
        url,
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output, output
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert match is not None, output
    return float(match[1])


def measure(seconds: int, rounds: int, env: dict[str, str]) -> dict[str, tuple[float, float]]:
    """The median requests per second and the median ratio to the bare route, by path."""
    paths = [*GOALS, *SHOWN]
    rates: dict[str, list[float]] = {path: [] for path in [BARE, *paths]}
    arguments = ("--no-access-log", "--log-level", "info")
    with Uvicorn("tests.support.health_bench_app:app", *arguments, env=env) as server:
        for _ in range(rounds):
            for path, found in rates.items():
                found.append(requests_per_second(server.url + path, seconds))
    result = {}
    for path, found in rates.items():
        ratios = [rate / bare for rate, bare in zip(found, rates[BARE], strict=True)]
        result[path] = statistics.median(found), statistics.median(ratios)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description="What the probes and the checks cost")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    failed = 0
    for title, env in {
        "no authentication": {},
        "with a secret": {"C2C__AUTH__SECRET": "a-secret-of-the-benchmark"},
    }.items():
        print(title)
        for path, (rate, ratio) in measure(options.seconds, options.rounds, env).items():
            goal = GOALS.get(path)
            verdict = "" if goal is None else f"  goal {goal}: {'pass' if ratio >= goal else 'fail'}"
            failed += goal is not None and ratio < goal
            print(f"  {path:<14}{rate:>10.0f} requests/s {ratio:>6.2f} x bare{verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
