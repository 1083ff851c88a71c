"""Probes are quiet as long as they succeed."""

import logging

import pytest

from c2casgiutils import logs


def access(path: str, status: int, method: str = "GET") -> logging.LogRecord:
    arguments = ("127.0.0.1:5", method, path, "1.1", status)
    return logging.LogRecord("uvicorn.access", 20, "", 1, '%s - "%s %s HTTP/%s" %d', arguments, None)


@pytest.fixture
def probes() -> logs.ProbeFilter:
    return logs.ProbeFilter(["/livez", "/c2c/health/"])


@pytest.mark.parametrize(
    "path", ["/livez", "/livez/", "/livez?verbose", "/c2c/health", "/c2c/health/?tags=a"]
)
@pytest.mark.parametrize("status", [200, 204, 307])
def test_success_is_quiet(probes: logs.ProbeFilter, path: str, status: int) -> None:
    assert not probes.filter(access(path, status))


@pytest.mark.parametrize("path", ["/livezz", "/a/livez", "/livez/a", "/c2c/healthcare", "/", "/?/livez"])
def test_other_paths_are_logged(probes: logs.ProbeFilter, path: str) -> None:
    assert probes.filter(access(path, 200))


def test_failures_and_the_first_success_after_them_are_logged(probes: logs.ProbeFilter) -> None:
    statuses = [200, 503, 503, 200, 200, 404, 200]
    kept = [probes.filter(access("/livez", status)) for status in statuses]
    assert kept == [False, True, True, True, False, True, True]


def test_each_address_has_a_state_of_its_own(probes: logs.ProbeFilter) -> None:
    assert probes.filter(access("/c2c/health/?tags=a", 500))
    assert not probes.filter(access("/c2c/health/?tags=b", 200))
    assert probes.filter(access("/c2c/health/?tags=a", 200))


def test_other_methods_and_records_are_logged(probes: logs.ProbeFilter) -> None:
    assert probes.filter(access("/livez", 200, "POST"))
    assert probes.filter(logging.LogRecord("app", 20, "", 1, "GET /livez", (), None))
    assert probes.filter(logging.LogRecord("uvicorn.access", 20, "", 1, "GET /livez", (), None))


def test_made_up_queries_do_not_pile_up(probes: logs.ProbeFilter) -> None:
    for number in range(5000):
        probes.filter(access(f"/livez?{number}", 404))
    assert len(probes._failing) <= 1000


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("", "/c2c/health_checks"),
        ("/api", "/api/c2c/readyz"),
        ("api/", "/api/c2c/health/"),
        ("/api/", "/startupz"),
    ],
)
def test_the_packaged_filter_knows_the_probes(
    monkeypatch: pytest.MonkeyPatch, prefix: str, path: str
) -> None:
    monkeypatch.setenv("C2C__ROUTE_PREFIX", prefix)
    assert not logs.create_probe_filter().filter(access(path, 200))
