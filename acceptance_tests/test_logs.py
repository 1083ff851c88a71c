"""What the demo logs."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.support.net import wait_for
from tests.support.processes import Uvicorn

_APP = Path(__file__).parent / "app"
_SECRET = "hunter2-hunter2"
_LOG = {"LOG_TYPE": "json", "LOG_LEVEL": "DEBUG", "SQL_LOG_LEVEL": "INFO", "OTHER_LOG_LEVEL": "DEBUG"}
_PATHS = ("/", "/items", "/c2c/", "/c2c/health/", f"/c2c/headers/?secret={_SECRET}", "/missing?code=hunter2")


def test_lines_of_the_demo_appear(database_url: str) -> None:
    """From INFO by default, without a setting that names its package."""
    env = {"C2C__DB__URL": database_url, "C2C__PROMETHEUS__PORT": "0"}
    arguments = ("--app-dir", str(_APP), "--log-config", str(_APP / "logging.yaml"))
    with Uvicorn("app.main:app", *arguments, env=env) as server:
        httpx.post(f"{server.url}/items", json={"name": "one"}, timeout=20).raise_for_status()
        wait_for(lambda: "INFO     app.api Created the item" in server.output, what="the line in the log")
        assert "A greeting was asked for" not in server.output


def test_every_record_under_load_is_json(database_url: str) -> None:
    """Of both workers, their supervisor, uvicorn and all libraries; no secret of an address is in them."""
    env = {
        **_LOG,
        "C2C__DB__URL": database_url,
        "C2C__PROMETHEUS__PORT": "0",
        "C2C__AUTH__SECRET": _SECRET,
    }
    arguments = ("--app-dir", str(_APP), "--log-config", str(_APP / "logging.yaml"))
    with Uvicorn("app.main:app", *arguments, workers=2, env=env) as server:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: httpx.get(server.url + _PATHS[n % len(_PATHS)], timeout=20), range(120)))
        httpx.get(f"{server.url}/the-last-one", timeout=20)
        wait_for(lambda: "the-last-one" in server.output, what="the last request in the log")
        records = [json.loads(line) for line in server.output.splitlines()]
    names = {record["logger_name"] for record in records}
    assert {"uvicorn.access", "uvicorn.error", "sqlalchemy.engine.Engine"} <= names
    assert len({record["pid"] for record in records}) == 3
    assert "hunter2" not in json.dumps(records)
