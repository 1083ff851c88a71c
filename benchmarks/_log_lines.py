"""The time that `JsonFormatter` and python-json-logger take for one line with the same keys."""

import logging
import socket
import statistics
import sys
import time
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter as OtherFormatter

from benchmarks._in_process import Report
from c2casgiutils import logs

ROUNDS = 101
RECORDS = 200
GOAL = 1
KEYS = {  # of the attributes of a record
    "message": "msg",
    "levelno": "level",
    "levelname": "level_name",
    "name": "logger_name",
    "pathname": "file",
    "lineno": "line",
    "funcName": "function",
    "process": "pid",
    "threadName": "thread_name",
    "processName": "process_name",
}
Failure = tuple[type[BaseException], BaseException, TracebackType | None]


def make_record(failure: Failure | None = None) -> logging.LogRecord:
    """A record with two extras, as an application writes many of."""
    extra = {"user": "alice", "duration_ms": 12}
    arguments = ("app.views", 20, "/app/app/views.py", 7, "called %s in %d ms", ("/items/5", 12))
    return logging.getLogger("app.views").makeRecord(*arguments, failure, "read", extra)


def microseconds(formatter: logging.Formatter, failure: Failure | None) -> float:
    """The time of one line."""
    records = [make_record(failure) for _ in range(RECORDS)]
    start = time.thread_time()
    for record in records:
        formatter.format(record)
    return (time.thread_time() - start) / RECORDS * 1e6


def fail() -> Failure:
    try:
        int("ten")
    except ValueError as error:
        return type(error), error, error.__traceback__
    sys.exit("int() takes anything")


def measure(report: Report) -> None:
    """Print the times, and compare those of a plain record; masking a traceback has its price."""
    other = OtherFormatter(
        " ".join(f"%({name})s" for name in KEYS),
        rename_fields=KEYS,
        static_fields={"host": socket.gethostname(), "source_facility": "app.views"},
        timestamp=True,
    )
    formatters = {"ours": logs.JsonFormatter(), "python-json-logger": other}
    for kind, failure in (("a record", None), ("a record with a traceback", fail())):
        times: dict[str, list[float]] = {name: [] for name in formatters}
        for _ in range(ROUNDS):
            for name, formatter in formatters.items():
                times[name].append(microseconds(formatter, failure))
        medians = {name: statistics.median(values) for name, values in times.items()}
        figures = "  ".join(f"{name} {value:.2f}" for name, value in medians.items())
        print(f"{kind} as JSON, microseconds: {figures}")
        if failure is None:
            report.goal("ours / python-json-logger", medians["ours"] / medians["python-json-logger"], GOAL)
