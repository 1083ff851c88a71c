import logging
import uuid
from typing import Any

import httpx
import pytest

from c2casgiutils.tools import _levels

ALONE = {
    "asked": 1,
    "answered": 1,
    "missing": [],
    "failed": [],
    "lost": [],
    "complete": True,
    "roster": "current",
    "applied": 1,
    "of": 1,
    "behind": [],
}
BY_SECRET = {"expires": None, "by": "secret", "reason": None, "scope": "cluster"}


@pytest.fixture
def name() -> str:
    """The name of a logger that no other test uses."""
    logger = f"tests.{uuid.uuid4().hex}"
    logging.getLogger(logger)
    return logger


async def test_set_and_read(client: httpx.AsyncClient, name: str) -> None:
    """A level is given in any case, set in this process, and listed."""
    before = (await client.get("logging/level", params={"name": name})).json()
    assert before == {"name": name, "level": "NOTSET", "effective_level": "WARNING"}
    answer = await client.post("logging/level", json={"name": name, "level": "debug"})
    assert answer.json() == {
        "name": name,
        "level": "DEBUG",
        "effective_level": "DEBUG",
        "cluster": ALONE,
    }
    assert logging.getLogger(name).level == logging.DEBUG
    overrides = (await client.get("logging/overrides")).json()["overrides"]
    assert {"name": name, "level": "DEBUG", **BY_SECRET} in overrides


async def test_registered_level_above_critical(client: httpx.AsyncClient, name: str) -> None:
    """A level of the application is set by its name, whatever its number."""
    logging.addLevelName(1234, "AUDIT-OF-TESTS")
    try:
        answer = await client.post("logging/level", json={"name": name, "level": "audit-of-tests"})
        assert answer.status_code == 200, answer.text
        assert logging.getLogger(name).level == 1234
        overrides = (await client.get("logging/overrides")).json()["overrides"]
        assert {"name": name, "level": "AUDIT-OF-TESTS", **BY_SECRET} in overrides
    finally:  # a name is never removed: give this one and the number back
        logging.addLevelName(logging.WARNING, "AUDIT-OF-TESTS")
        logging.addLevelName(logging.WARNING, "WARNING")


async def test_child_inherits(client: httpx.AsyncClient, name: str) -> None:
    """Reading does not create the logger that is read."""
    await client.post("logging/level", json={"name": name, "level": "ERROR"})
    child = f"{name}.child.of.it"
    answer = (await client.get("logging/level", params={"name": child})).json()
    assert answer == {"name": child, "level": "NOTSET", "effective_level": "ERROR"}
    assert child not in logging.root.manager.loggerDict


async def test_root(client: httpx.AsyncClient) -> None:
    answer = (await client.get("logging/level", params={"name": "root"})).json()
    assert answer == {"name": "root", "level": "WARNING", "effective_level": "WARNING"}


@pytest.mark.parametrize("level", ["NOTSET", " notset "])
async def test_the_root_logger_inherits_from_nobody(client: httpx.AsyncClient, level: str) -> None:
    """`NOTSET` would write every record of every library."""
    before = logging.root.level
    answer = await client.post("logging/level", json={"name": "root", "level": level})
    assert answer.status_code == 422
    assert "the root logger has no parent" in answer.text
    assert logging.root.level == before
    with pytest.raises(ValueError, match="root logger has no parent"):
        _levels.kind().check("root", "NOTSET")


async def test_another_logger_may_inherit(client: httpx.AsyncClient, name: str) -> None:
    logging.getLogger(name).setLevel(logging.INFO)
    answer = await client.post("logging/level", json={"name": name, "level": "NOTSET"})
    assert (answer.json()["level"], answer.json()["effective_level"]) == ("NOTSET", "WARNING")


@pytest.mark.parametrize("params", [{}, {"name": ""}, {"name": "x" * 201}, {"name": "a\nb"}])
async def test_bad_names_are_not_read(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await client.get("logging/level", params=params)).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"name": "a", "level": "LOUD"}, id="unknown level"),
        pytest.param({"name": "a", "level": ""}, id="empty level"),
        pytest.param({"name": "a", "level": "10"}, id="number as text"),
        pytest.param({"name": "a", "level": 10}, id="number"),
        pytest.param({"name": "a"}, id="no level"),
        pytest.param({"level": "INFO"}, id="no name"),
        pytest.param({"name": "", "level": "INFO"}, id="empty name"),
        pytest.param({"name": "x" * 201, "level": "INFO"}, id="long name"),
        pytest.param({"name": "a\r\nb", "level": "INFO"}, id="line break"),
        pytest.param({"name": "a\u2028b", "level": "INFO"}, id="line separator"),
        pytest.param({"name": "a\x1b[2Jb", "level": "INFO"}, id="terminal escape"),
        pytest.param([], id="list"),
    ],
)
async def test_bad_input_changes_nothing(client: httpx.AsyncClient, body: Any) -> None:
    before = _levels.in_force()
    answer = await client.post("logging/level", json=body)
    assert answer.status_code == 422
    assert "detail" in answer.json()
    assert _levels.in_force() == before


@pytest.mark.parametrize(
    "content", [b'{"name": "\\ud800", "level": "INFO"}', b'{"name": "hidden-input", "level": "LOUD"}', b"{"]
)
async def test_input_is_not_echoed(client: httpx.AsyncClient, content: bytes) -> None:
    """What was wrong is said without the input, which may be text that is no UTF-8."""
    answer = await client.post("logging/level", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert all(set(item) == {"type", "loc", "msg"} for item in answer.json()["detail"])
    assert "hidden-input" not in answer.text


@pytest.mark.parametrize("level", ["warn", "WARN", "Warning", " warning "])
async def test_aliases_become_the_standard_name(client: httpx.AsyncClient, name: str, level: str) -> None:
    answer = await client.post("logging/level", json={"name": name, "level": level})
    assert answer.json()["level"] == "WARNING"


async def test_anonymous_callers(anonymous: httpx.AsyncClient, name: str) -> None:
    body = {"name": name, "level": "DEBUG"}
    answers = [
        await anonymous.get("logging/level", params={"name": name}),
        await anonymous.get("logging/overrides"),
        await anonymous.post("logging/level", json=body),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert logging.getLogger(name).level == logging.NOTSET


async def test_a_change_is_logged_and_audited(
    client: httpx.AsyncClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="c2casgiutils")
    await client.post("logging/level", json={"name": name, "level": "DEBUG"})
    assert f"The level of the logger {name} was changed from NOTSET to DEBUG" in caplog.text
    audit = [record for record in caplog.records if record.name == "c2casgiutils.audit"]
    assert "logging.level" in audit[0].getMessage()


async def test_made_up_names_have_a_quota(client: httpx.AsyncClient, name: str) -> None:
    """Loggers are never freed: names that no module uses are limited, existing ones are not."""
    _levels.kind().overrides.made_up.update(f"made-up-{number}" for number in range(199))
    made_up = [f"tests.{uuid.uuid4().hex}" for _ in range(2)]
    answers = [
        await client.post("logging/level", json={"name": one, "level": "INFO"}) for one in [*made_up, name]
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 200]
    assert "200" in answers[1].json()["detail"]
    assert made_up[1] not in logging.root.manager.loggerDict
