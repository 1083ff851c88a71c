"""All lines of each server under load: `python benchmarks/log_load.py [SERVER ...]`.

Each server runs with two workers and `LOG_TYPE=json`, and writes to one pipe. Goals: every line is JSON, none
is longer than what a pipe takes at once, and the access log has a line for each request. The exit code is 1
when one failed.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks._in_process import Report
from tests.support.servers import ACCESS_LOGGERS, SERVERS, Server

LONGEST = 4096
ENVIRONMENT = {"LOG_TYPE": "json", "C2C__TOOLS__LOGGING__APPLICATION_MODULE": "tests"}


def is_record(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def measure(name: str, seconds: float, rate: int, report: Report) -> None:
    with Server(name, ENVIRONMENT) as server:
        number = asyncio.run(server.wait().load(seconds, rate))
        lines = server.stop()
    records = [json.loads(line) for line in lines if is_record(line)]
    paths = ("/items/", "/long/", "/boom/", "/missing/")
    answered = [
        record
        for record in records
        if record["logger_name"] == ACCESS_LOGGERS[name] and record["path"].startswith(paths)
    ]
    print(f"{name}: {number} requests, {len(lines)} lines, {sum(map(len, lines)) / 1e6:.1f} MB")
    report.goal("lines that are no JSON", len(lines) - len(records), 0)
    report.goal("longest line in bytes", max(len(line.encode()) + 1 for line in lines), LONGEST)
    report.goal("requests without a line in the access log", number - len(answered), 0)


def main() -> None:
    """Load the servers one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=200, help="requests per second")
    parser.add_argument("servers", nargs="*", default=SERVERS, metavar="SERVER")
    arguments = parser.parse_args()
    report = Report()
    for name in arguments.servers:
        measure(name, arguments.seconds, arguments.rate, report)
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
