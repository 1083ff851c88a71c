"""Levels at which secrets are known to be written."""

import logging
from collections.abc import Iterator

import httpx
import pytest

_NAMES = ("httpx", "httpcore", "httpcore.http11", "sqlalchemy", "sqlalchemy.engine", "urllib3", "root")


@pytest.fixture(autouse=True)
def _as_a_service() -> Iterator[None]:
    """The levels that these loggers have in a service that configures the root logger alone."""
    before = {name: logging.getLogger(name).level for name in _NAMES}
    for name in _NAMES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize(
    ("name", "level", "parts"),
    [
        ("httpx", "INFO", ["httpx logs URLs"]),
        ("httpx", "WARNING", []),
        ("httpcore", "DEBUG", ["httpcore logs headers"]),
        ("httpcore.http11", "DEBUG", ["httpcore logs headers"]),
        ("httpcore", "INFO", []),
        ("sqlalchemy.engine", "INFO", ["sqlalchemy.engine logs SQL statements"]),
        ("sqlalchemy.engine.Engine", "DEBUG", ["sqlalchemy.engine logs SQL statements"]),
        ("sqlalchemy", "INFO", ["sqlalchemy.engine logs SQL statements"]),
        ("sqlalchemy.pool", "DEBUG", []),
        ("root", "DEBUG", ["every library", "httpx", "sqlalchemy.engine"]),
        ("root", 15, ["every library", "httpx"]),
        ("root", "INFO", ["httpx logs URLs"]),
        ("root", "ERROR", []),
        ("httpxy", "DEBUG", []),
        ("some.module", "DEBUG", []),
    ],
)
@pytest.mark.parametrize("way", ["PUT", "POST"])
async def test_the_answer_says_so(
    client: httpx.AsyncClient, name: str, level: str | int, parts: list[str], way: str
) -> None:
    """For the logger, its children, and the ancestors whose level it inherits."""
    if way == "PUT":
        answer = await client.put(f"logging/loggers/{name}", json={"level": level})
    else:
        given = level if isinstance(level, str) else f"Level {level}"
        answer = await client.post("logging/level", json={"name": name, "level": given})
    warning = answer.json().get("warning", "")
    assert ("secrets" in warning) is bool(parts)
    assert [part for part in parts if part not in warning] == []


async def test_a_family_with_a_level_of_its_own(client: httpx.AsyncClient) -> None:
    """What does not inherit the level is not warned about."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    answer = await client.put("logging/loggers/root", json={"level": "INFO"})
    assert "httpx" not in answer.json().get("warning", "")
    answer = await client.delete("logging/loggers/httpx")
    assert "secrets" not in answer.json().get("warning", "")
