"""The set-ups of docs/logging.md for structlog and loguru."""

import json
from typing import Any

import pytest

from tests.support.fresh import run_fresh
from tests.support.pages import blocks

CODE = [block.code for block in blocks("python") if block.page == "logging.md"]
CONFIGURE = """
import logging.config, yaml
from c2casgiutils import logs
logging.config.dictConfig(yaml.safe_load(logs.CONFIG_FILE.read_text()))
from c2casgiutils.request_tracking import CURRENT, RequestContext
scope = {"type": "http", "method": "GET", "path": "/items/5", "client": ("192.0.2.7", 5)}
CURRENT.set(RequestContext("the id", None, scope))
"""
USE = {
    "structlog": """
log = structlog.get_logger("my_app.views")
log.warning("%d items, %s", 5, "100%")
log.warning("100%")
""",
    "loguru": """
log = logger.patch(lambda record: record.update(name="my_app.views"))
log.warning("{} items, {}", 5, "100%")
log.warning("100%")
""",
}
LOG = """
FORGED = dict.fromkeys(("request_id", "trace_id", "full_msg", "left_out"), "forged")
def work():
    given = {"token": "hunter2", "item": 5, "name": "alice", "note": "100%", "path": "mine"}
    log.info("asked for /?secret=hunter2", **given, **FORGED)
work()
log.debug("too low")
logging.getLogger("my_app").setLevel(logging.DEBUG)
log.debug("low")
logging.getLogger("my_app").setLevel(logging.WARNING)
log.info("too low again")
try:
    int("token=hunter2")
except ValueError:
    log.exception("failed")
"""
LIBRARIES = ("structlog", "loguru")


@pytest.fixture(scope="module")
def lines() -> dict[str, list[dict[str, Any]]]:
    found = {}
    for library in LIBRARIES:
        (block,) = [code for code in CODE if library in code]
        env = {"LOG_TYPE": "json", "C2C__TOOLS__LOGGING__APPLICATION_MODULE": "my_app"}
        done = run_fresh(CONFIGURE + block + USE[library] + LOG, env=env)
        assert (done.returncode, done.stderr) == (0, "")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        found[library] = [record for record in records if record["msg"] != "called"]
    return found


@pytest.fixture(params=LIBRARIES)
def records(request: pytest.FixtureRequest, lines: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    library: str = request.param
    return lines[library]


def test_arguments_of_a_message(records: list[dict[str, Any]]) -> None:
    messages = [record["msg"] for record in records if record["level_name"] == "WARNING"]
    assert messages == ["5 items, 100%", "100%"]


def test_levels_that_change_at_run_time(records: list[dict[str, Any]]) -> None:
    records = [record for record in records if record["level_name"] != "WARNING"]
    messages = [record["msg"] for record in records]
    assert messages == ["asked for /?secret=***", "low", "failed"]
    assert [record["level_name"] for record in records] == ["INFO", "DEBUG", "ERROR"]
    assert {record["logger_name"] for record in records} == {"my_app.views"}


def test_the_fields(records: list[dict[str, Any]]) -> None:
    """Those of the request and of the call; names that are taken get another one."""
    (first,) = (record for record in records if record["msg"].startswith("asked for"))
    expected = {"request_id": "the id", "client_addr": "192.0.2.7", "method": "GET", "path": "/items/5"}
    assert {name: first.get(name) for name in expected} == expected
    given = {"item": 5, "extra_name": "alice", "note": "100%", "extra_path": "mine", "token": "***"}
    given |= dict.fromkeys(
        ("extra_request_id", "extra_trace_id", "extra_full_msg", "extra_left_out"), "forged"
    )
    assert {name: first.get(name) for name in given} == given
    assert not {"trace_id", "full_msg", "left_out"} & set(first)
    assert (first["function"], first["file"]) == ("work", "<string>")


def test_secrets_are_masked(records: list[dict[str, Any]]) -> None:
    assert "hunter2" not in json.dumps(records)
    assert records[-1]["full_message"].endswith("with base 10: 'token=***'")


FOLLOW = """
import io, logging.handlers, queue
from tests.unit.follow.test_interception import Following, followed
waiting = queue.SimpleQueue()
first = logging.handlers.QueueHandler(waiting)
logging.root.addHandler(first)
late = logging.StreamHandler(io.StringIO())
with Following() as following:
    logging.getLogger("my_app").addHandler(late)
    for request in (contextlib.nullcontext(), followed()):
        with request:
            log.debug("low")
            log.warning("high")
logging.getLogger("my_app").removeHandler(late)
logging.root.removeHandler(first)
queued = [waiting.get_nowait().getMessage() for _ in range(waiting.qsize())]
print(json.dumps([following.told, queued, late.stream.getvalue().split()]))
"""


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_follow(library: str) -> None:
    """A followed request is told with all its lines, and every handler writes what it would write without."""
    (block,) = [code for code in CODE if library in code]
    configure = "import contextlib, json, logging\n" + block + USE[library]
    done = run_fresh(configure + FOLLOW)
    assert done.returncode == 0, done.stderr
    told, queued, late = json.loads(done.stdout)
    assert told == ["DEBUG my_app.views low", "WARNING my_app.views high"]
    assert queued == late == ["high", "high"]
