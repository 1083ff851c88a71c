"""What holds for the tests and for the acceptance tests."""

import os
import signal
from collections.abc import Generator

import pytest
from coverage import Coverage


def pytest_configure() -> None:
    """Set what the tests and the processes that they start inherit."""
    # no certificates of authorities: loading them takes 20 ms for each HTTP client, and no test needs one
    os.environ.pop("SSL_CERT_FILE", None)  # noqa: TID251  # read by the clients
    os.environ["SSL_CERT_DIR"] = os.devnull  # noqa: TID251  # the same
    # a shell starts background jobs with SIGINT ignored, and so would be the one that a test sends
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """End the first of the two measurements that pytest-cov starts in a process of pytest-xdist.

    Nobody reads it, and it would trace whenever the mark `no_cover` pauses the second one.
    """
    first = Coverage.current()
    if first is not None and _worker(session):
        first.stop()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Measure what the imports run in the first process of pytest-xdist: it is the same in the others."""
    measurement = Coverage.current()
    if measurement is None or _worker(session) in ("", "gw0"):
        return (yield)
    measurement.stop()
    try:
        return (yield)
    finally:
        measurement.start()


def _worker(session: pytest.Session) -> str:
    """Return the name of this process of pytest-xdist, empty if it is none."""
    return str(getattr(session.config, "workerinput", {}).get("workerid", ""))
