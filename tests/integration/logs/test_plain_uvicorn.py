"""An application's own records under a uvicorn that nobody gave a logging configuration."""

import httpx

from tests.support.net import wait_for
from tests.support.processes import Uvicorn
from tests.support.secret_texts import TOKENS

CONFIGURED = "a-configured-secret-of-the-test"


def test_no_secret_is_in_the_log() -> None:
    """Arguments, caught and uncaught tracebacks, the access log; by name, by form and by value."""
    server = Uvicorn("tests.integration.logs.plain_application:app", env={"C2C__AUTH__SECRET": CONFIGURED})
    with server, httpx.Client(base_url=server.url) as client:
        client.get("/own", params={"secret": CONFIGURED})
        client.get("/boom", params={"code": "hunter2"})
        wait_for(lambda: "RuntimeError: refused glpat-***" in server.output, what="the traceback")
        output = server.output
    assert "called with *** and ghp_***" in output
    assert "RuntimeError: refused xoxb-*** and ***" in output
    assert '"GET /own?secret=*** HTTP/1.1" 200' in output
    assert '"GET /boom?code=*** HTTP/1.1" 500' in output
    for secret in (CONFIGURED, "hunter2", TOKENS["GitHub"][-16:]):
        assert secret not in output
