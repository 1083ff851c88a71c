"""What the server itself logs of a sign-in."""

import httpx
import pytest

from c2casgiutils import logs
from tests.support.auth import KEY
from tests.support.processes import Uvicorn

SECRET = "a-secret-that-nobody-logs"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--log-config", str(logs.CONFIG_FILE)), id="of-the-package"),
        pytest.param((), id="of-uvicorn"),
    ],
)
def test_secret_is_not_in_the_access_log(arguments: tuple[str, ...]) -> None:
    """P03: whoever configures the logs, no line holds the secret of the query."""
    environment = {"C2C__AUTH__SECRET": SECRET, "C2C__AUTH__JWT__SECRET": KEY}
    with Uvicorn("tests.support.page_app:app", *arguments, env=environment) as server:
        for path in ("/c2c/auth/login", "/c2c/headers/", "/c2c/auth/status"):
            assert httpx.get(f"{server.url}{path}", params={"secret": SECRET}).status_code == 200
        assert "/c2c/auth/login" in server.output
        assert SECRET not in server.output
