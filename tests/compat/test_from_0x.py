"""An application of 0.x, moved by following `docs/migrate-from-0.x.md`: unchanged, and shortened."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.moved import SECRET, Moved, moved_application
from tests.support.net import wait_for

PAGE = (Path(__file__).parents[2] / "docs" / "migrate-from-0.x.md").read_text()
KEY = {"X-API-Key": SECRET}
ENVIRONMENT = """
C2C__REDIS__URL={redis}
C2C__REDIS__BROADCAST_PREFIX=moved_
C2C__PROMETHEUS__PORT={port}
C2C__AUTH__SECRET={secret}
C2C__AUTH__JWT__SECRET=Kq7vZt2mWc9xRb4nLp6sHd3gFj8yTe5a
C2C__AUTH__COOKIE=my-service
C2C__AUTH__COOKIE_AGE=86400
C2C__AUTH__GITHUB__ACCESS_TYPE=push
C2C__AUTH__GITHUB__SCOPE=
C2C__HTTP=true
C2C__PROXY_HEADERS__TYPE=x-forwarded
"""


def shortened(folder: Path) -> Path:
    """A folder with the application of the page."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "main.py").write_text(block)
    return folder


@pytest.fixture(scope="module", params=["unchanged", "shortened"])
def moved(
    request: pytest.FixtureRequest, application: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moved]:
    """Each application with what the script makes of the old env file."""
    folder = tmp_path_factory.mktemp("moved")
    cwd = application if request.param == "unchanged" else shortened(folder)
    with moved_application(folder / "old.env", ENVIRONMENT, cwd=cwd, converted="old.env") as running:
        yield running


def test_health(moved: Moved) -> None:
    reply = moved.client.get("/c2c/health/", params={"tags": "redis"}, headers=KEY)
    assert (reply.status_code, [entity["name"] for entity in reply.json()["entities"]]) == (200, ["Redis"])


def test_broadcast(moved: Moved) -> None:
    """The decorated function answers, as a model."""

    def answers() -> bool:
        reply = moved.client.get("/echo")
        texts = [answer if isinstance(answer, str) else answer["text"] for answer in reply.json()]
        return texts == ["hi"]

    wait_for(answers, what="the answer of the process")


def test_protected_route(moved: Moved) -> None:
    assert moved.client.get("/private").status_code == 403
    assert moved.client.get("/private", headers=KEY).status_code == 200


def test_session(moved: Moved) -> None:
    """The cookie has the name and the age of the old variables."""
    reply = moved.client.post("/c2c/auth/login", data={"secret": SECRET})
    (cookie,) = reply.headers.get_list("set-cookie")
    assert cookie.startswith("my-service=")
    assert "Max-Age=86400" in cookie
    moved.client.cookies.clear()


def test_metrics(moved: Moved) -> None:
    moved.client.get("/c2c/health/")
    assert "http_requests_total" in httpx.get(moved.metrics, timeout=20).text


def test_no_variable_is_old(moved: Moved) -> None:
    """The start warns neither about older names nor about unknown ones."""
    assert re.findall(r".*(?:is deprecated|is not a known setting).*", moved.server.output) == []
