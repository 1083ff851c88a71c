"""Wrong settings end a real uvicorn."""

import pytest

from tests.support.processes import Process, Uvicorn

READING = "tests.integration.config.application:app"
MOUNTING = "tests.integration.config.mounting:app"
STARTING = "tests.support.health_app:app"

WRONG = {"C2C__DRAIN_WAIT": "hunter", "C2C__AUTH__JWT__SECRET": "hunter2"}
HALF = {"C2C__AUTH__GITHUB__CLIENT_SECRET": "hunter2"}
ADDRESS = {"C2C__REDIS__URL": "redis://127.0.0.1:1"}
UNKNOWN_OF_SENTINELS = {
    "C2C__REDIS__SENTINELS": "127.0.0.1:1",
    "C2C__REDIS__SERVICENAME": "service",
    "C2C__REDIS__SENTINEL_OPTIONS": "nonsense=5",
}
DATABASE = {
    "C2C__DB__URL": "mysql://me:hunter2@host/database",
    "C2C__DB__FORCE_READ_ONLY": "GET /(",
    "C2C__DB__STICKY": "soon",
    "C2C__DB__MAX_LAG": "-1s",
}
UNKNOWN = ADDRESS | {"C2C__REDIS__OPTIONS": "nonsense=5"}
MISSING = {"C2C__AUTH__GITHUB__CLIENT_ID", "C2C__AUTH__GITHUB__REPOSITORY"}


def output_of_failed_start(application: str, workers: int, environment: dict[str, str]) -> str:
    """Start a server, check that it ends with the code 3 without a traceback, and return its output."""
    server = Uvicorn(application, workers=workers, env=environment)
    try:
        Process.start(server)
        code = server.wait(30)
        output = server.output
    finally:
        server.kill()
    assert code == 3 or workers > 1  # a supervisor chooses its own code
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize(
    ("application", "workers", "environment", "wrong"),
    [
        (READING, 1, WRONG, set(WRONG)),
        (READING, 2, WRONG, set(WRONG)),
        (MOUNTING, 1, HALF, MISSING),
        (MOUNTING, 2, WRONG, set(WRONG)),
        (MOUNTING, 1, {"C2C__REDIS__SENTINELS": "hunter2:1"}, {"C2C__REDIS__SERVICENAME"}),
        (READING, 1, DATABASE, set(DATABASE)),
        (STARTING, 1, UNKNOWN, {"C2C__REDIS__OPTIONS"}),
        (STARTING, 2, UNKNOWN, {"C2C__REDIS__OPTIONS"}),
        (STARTING, 1, UNKNOWN_OF_SENTINELS, {"C2C__REDIS__SENTINEL_OPTIONS"}),
        (STARTING, 1, ADDRESS | {"C2C__REDIS__OPTIONS": "max_connections=-1"}, {"C2C__REDIS__OPTIONS"}),
        (STARTING, 1, ADDRESS | {"C2C__REDIS__OPTIONS": "retry=hunter2"}, {"C2C__REDIS__OPTIONS"}),
    ],
    ids=[
        "read at import",
        "read at import, two workers",
        "half a configuration",
        "only mounted, two workers",
        "sentinels without a service",
        "database",
        "unknown option of Redis",
        "unknown option of Redis, two workers",
        "unknown option of the sentinels",
        "wrong value of an option",
        "wrong type of an option",
    ],
)
def test_wrong_settings_end_the_server(
    application: str, workers: int, environment: dict[str, str], wrong: set[str]
) -> None:
    """Each variable is one line for each worker, there is no traceback and nobody starts again."""
    output = output_of_failed_start(application, workers, environment)
    lines = [line for line in output.splitlines() if line.startswith("C2C__")]
    assert {line.partition(":")[0] for line in lines} == wrong
    assert len(lines) <= workers * len(wrong)
    assert "hunter2" not in output


@pytest.mark.parametrize("workers", [1, 2])
def test_unwritable_directory_of_the_metrics_ends_the_server(workers: int) -> None:
    """It is one line for each worker, there is no traceback and nobody starts again."""
    output = output_of_failed_start(MOUNTING, workers, {"PROMETHEUS_MULTIPROC_DIR": "/proc"})
    assert 1 <= output.count("PROMETHEUS_MULTIPROC_DIR: /proc is not writable") <= workers


def test_right_settings_start_the_server() -> None:
    with Uvicorn(READING, workers=2, env={"C2C__ROUTE_PREFIX": "api"}) as server:
        assert "C2C__" not in server.output
