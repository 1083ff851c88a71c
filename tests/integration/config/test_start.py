"""Wrong settings end a real uvicorn."""

import pytest

from tests.support.processes import Process, Uvicorn

READING = "tests.integration.config.application:app"
MOUNTING = "tests.integration.config.mounting:app"


@pytest.mark.parametrize(
    ("application", "environment", "wrong"),
    [
        (READING, {"C2C__HTTP": "maybe", "C2C__AUTH__JWT__SECRET": "hunter2"}, None),
        (MOUNTING, {"C2C__DRAIN_WAIT": "hunter", "C2C__REDIS__URL": "hunter2"}, None),
        (
            MOUNTING,
            {"C2C__AUTH__GITHUB__CLIENT_SECRET": "hunter2"},
            {"C2C__AUTH__GITHUB__CLIENT_ID", "C2C__AUTH__GITHUB__REPOSITORY"},
        ),
    ],
    ids=["read at import", "only mounted", "half a configuration"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_wrong_settings_end_the_server(
    application: str, environment: dict[str, str], wrong: set[str] | None, workers: int
) -> None:
    """Each variable is one line for each worker, there is no traceback and nobody starts again."""
    server = Uvicorn(application, workers=workers, env=environment)
    try:
        Process.start(server)
        code = server.wait(30)
        output = server.output
    finally:
        server.kill()
    assert code == 3 or workers > 1  # the code of a supervisor is its own affair
    wrong = wrong or set(environment)
    lines = [line for line in output.splitlines() if line.startswith("C2C__")]
    assert {line.partition(":")[0] for line in lines} == wrong
    assert len(lines) <= workers * len(wrong)
    assert "Traceback" not in output
    assert "hunter2" not in output


def test_right_settings_start_the_server() -> None:
    with Uvicorn(READING, workers=2, env={"C2C__ROUTE_PREFIX": "api"}) as server:
        assert "C2C__" not in server.output
