"""Wrong settings end a real uvicorn."""

import pytest

from tests.support.processes import Process, Uvicorn

APPLICATION = "tests.integration.config.application:app"


@pytest.mark.parametrize("workers", [1, 2])
def test_wrong_settings_end_the_server(workers: int) -> None:
    """Each variable is one line for each worker, there is no traceback and nobody starts again."""
    environment = {"C2C__HTTP": "maybe", "C2C__AUTH__JWT__SECRET": "hunter2"}
    server = Uvicorn(APPLICATION, workers=workers, env=environment)
    try:
        Process.start(server)
        code = server.wait(30)
        output = server.output
    finally:
        server.kill()
    assert code == 3 or workers > 1  # the code of a supervisor is its own affair
    lines = [line for line in output.splitlines() if line.startswith("C2C__")]
    assert {line.partition(":")[0] for line in lines} == set(environment)
    assert len(lines) <= workers * len(environment)
    assert "Traceback" not in output
    assert "hunter2" not in output


def test_right_settings_start_the_server() -> None:
    with Uvicorn(APPLICATION, workers=2, env={"C2C__ROUTE_PREFIX": "api"}) as server:
        assert "C2C__" not in server.output
