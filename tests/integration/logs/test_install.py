"""The application of the README under a plain `uvicorn main:app`."""

import re
from pathlib import Path

import httpx
import pytest

from c2casgiutils import logs
from tests.support.net import wait_for
from tests.support.processes import Uvicorn

README = Path(__file__).parents[3] / "README.md"
KEY = {"X-API-Key": "a-secret-for-the-tests"}
ENVIRONMENT = {"C2C__AUTH__SECRET": KEY["X-API-Key"], "C2C__PROMETHEUS__PORT": "0"}
LOGGING = """
import logging

@app.get("/log")
async def log(text: str) -> None:
    logging.getLogger(__name__).info("info %s", text)
    logging.getLogger(__name__).debug("debug %s", text)
"""
LOST = "Levels lowered at run time will have no effect"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the first application of the README, which logs too."""
    block = next(
        code
        for code in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if "install" in code
    )
    (tmp_path / "main.py").write_text(block + LOGGING)
    return tmp_path


def ask(server: Uvicorn, text: str) -> None:
    httpx.get(f"{server.url}/log", params={"text": text}, timeout=10).raise_for_status()


def wait_for_text(server: Uvicorn, text: str) -> None:
    wait_for(lambda: text in server.output, what=f"{text!r} in the log")


def set_level(server: Uvicorn, name: str, level: str) -> dict[str, object]:
    body = {"name": name, "level": level}
    answer = httpx.post(f"{server.url}/c2c/logging/level", json=body, headers=KEY, timeout=10)
    result: dict[str, object] = answer.raise_for_status().json()
    return result


def test_a_raised_level_is_seen(folder: Path) -> None:
    """INFO of the application appears from the start, DEBUG once one request asked for it."""
    with Uvicorn("main:app", cwd=folder, env=ENVIRONMENT) as server:
        ask(server, "before")
        assert "warning" not in set_level(server, "main", "DEBUG")
        ask(server, "after")
        wait_for_text(server, "debug after")
        output = server.output
    assert "INFO     main info before" in output
    assert "debug before" not in output
    assert output.count("info before") == 1
    assert LOST not in output


def test_the_lines_of_the_server_stay_as_they_are(folder: Path) -> None:
    """Its access log is written once, or not at all with `--no-access-log`."""
    for arguments, count in (((), 1), (("--no-access-log",), 0)):
        with Uvicorn("main:app", *arguments, cwd=folder, env=ENVIRONMENT) as server:
            ask(server, "text")
            wait_for_text(server, "info text")
            ask(server, "more")
            assert server.output.count("GET /log?text=text HTTP") == count


def test_the_packaged_file_knows_the_application(folder: Path) -> None:
    """`LOG_LEVEL` reaches its lines without a setting that names it."""
    arguments = ("--log-config", str(logs.CONFIG_FILE))
    for level, text in (("INFO", "info text"), ("DEBUG", "debug text")):
        env = {**ENVIRONMENT, "LOG_LEVEL": level}
        with Uvicorn("main:app", *arguments, cwd=folder, env=env) as server:
            ask(server, "text")
            wait_for_text(server, text)
            assert server.output.count("info text") == 1
            assert ("debug text" in server.output) == (level == "DEBUG")


def test_a_configuration_after_the_call_counts(folder: Path) -> None:
    """The logging is looked at when the application starts, not when `install` is called."""
    main = folder / "main.py"
    main.write_text(main.read_text() + "logging.basicConfig(level='DEBUG', format='own %(message)s')\n")
    with Uvicorn("main:app", cwd=folder, env=ENVIRONMENT) as server:
        ask(server, "text")
        wait_for_text(server, "own debug text")
        assert server.output.count("debug text") == 1


def test_without_the_step_the_start_says_what_is_lost(folder: Path) -> None:
    """So does each answer about a level that nothing shows."""
    main = folder / "main.py"
    main.write_text(main.read_text().replace("install(app)", "install(app, logging=False)"))
    with Uvicorn("main:app", cwd=folder, env=ENVIRONMENT) as server:
        warning = str(set_level(server, "main", "DEBUG")["warning"])
        assert warning.endswith("no log handler writes records below WARNING")
        ask(server, "text")
        output = server.output
    assert output.count(LOST) == 1
    assert "info text" not in output


@pytest.mark.parametrize("workers", [1, 2])
def test_a_wrong_level_is_one_line(folder: Path, workers: int) -> None:
    server = Uvicorn("main:app", workers=workers, cwd=folder, env={**ENVIRONMENT, "LOG_LEVEL": "LOUD"})
    try:
        super(Uvicorn, server).start()
        code = server.wait(30)
        assert code == 3 or workers > 1  # the code of a supervisor is its own affair
        assert "LOG_LEVEL: " in server.output
        assert "Traceback" not in server.output
    finally:
        server.kill()
