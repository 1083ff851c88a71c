"""A connection to a print server, and the console script over it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from c2casgiutils.acceptance import free_port, retry_timeout
from c2casgiutils.acceptance._test_print import main
from c2casgiutils.acceptance.print import PrintConnection

EXAMPLES = {"map": '{"layout": "A4"}', "list": '{"layout": "list"}'}


class PrintServer:
    """Answers as MapFish Print does: a report is done at the second question for it."""

    def __init__(self) -> None:
        self.reports: dict[str, tuple[Any, int]] = {}
        self.referrers: set[str | None] = set()
        self.status: dict[str, Any] = {}
        self.content = b"%PDF-1.4 content"
        self.media_type = "application/pdf"
        self.app = FastAPI()
        self.app.get("/print/apps.json")(lambda: ["default", "city", "a/b"])
        self.app.get("/print/{app:path}/capabilities.json")(lambda app: {"app": app})
        self.app.get("/print/{app:path}/exampleRequest.json")(lambda app: EXAMPLES)
        self.app.post("/print/{app:path}/report.pdf")(self.create)
        self.app.get("/print/status/{ref}.json")(self.get_status)
        self.app.get("/print/report/{ref}")(self.get_report)

    async def create(self, app: str, request: Request) -> dict[str, str]:
        ref = f"{len(self.reports)} ä"
        self.reports[ref] = ({"app": app, **await request.json()}, 0)
        self.referrers.add(request.headers.get("referer"))
        return {"ref": ref, "statusURL": "/elsewhere", "downloadURL": "/elsewhere"}

    def get_status(self, ref: str) -> dict[str, Any]:
        asked, times = self.reports[ref]
        self.reports[ref] = asked, times + 1
        return {"done": times > 0, "status": "finished" if times else "running", **self.status}

    def get_report(self, ref: str) -> Response:
        return Response(self.content, media_type=self.media_type)

    def asked(self) -> list[Any]:
        return [request for request, _ in self.reports.values()]


@pytest.fixture(scope="module")
def _server() -> Iterator[tuple[str, FastAPI]]:
    """Run one server, which passes the requests on to the print server of a test."""
    outer = FastAPI()
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(outer, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    retry_timeout(lambda: server.started, interval=0.05)
    yield f"http://127.0.0.1:{port}/print", outer
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def url(_server: tuple[str, FastAPI], printer: PrintServer) -> str:
    _server[1].router.routes[:] = printer.app.router.routes
    return _server[0]


@pytest.fixture
def printer() -> PrintServer:
    return PrintServer()


def test_what_the_server_offers(url: str) -> None:
    """Applications, their capabilities and example requests, with any name."""
    with PrintConnection(url) as connection:
        connection.wait_ready()
        connection.wait_ready(app="city")
        assert connection.get_apps() == ["default", "city", "a/b"]
        assert connection.get_capabilities("city") == {"app": "city"}
        assert connection.get_example_requests("a/b") == {
            "map": {"layout": "A4"},
            "list": {"layout": "list"},
        }


def test_a_report(url: str, printer: PrintServer) -> None:
    """It is created, waited for and fetched, by the address of the connection and not those of the answer."""
    with PrintConnection(url) as connection:
        assert connection.get_pdf("city", {"layout": "A4"}) == printer.content
    assert printer.asked() == [{"app": "city", "layout": "A4"}]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"status": {"done": True, "status": "error", "error": "no layer"}}, "failed: .*no layer"),
        ({"status": {"done": False}}, r"is not finished within 0\.1 s"),
        ({"content": b"<html>"}, "is not a PDF: Content-Type is 'application/pdf'"),
        ({"media_type": "text/html"}, "is not a PDF: Content-Type is 'text/html"),
    ],
    ids=["error", "slow", "content", "type"],
)
def test_a_report_that_fails(
    url: str, printer: PrintServer, attributes: dict[str, Any], message: str
) -> None:
    vars(printer).update(attributes)
    with PrintConnection(url) as connection, pytest.raises(AssertionError, match=message):
        connection.get_pdf("city", {}, timeout=0.1 if "finished" in message else 30)


def test_the_script(url: str, printer: PrintServer, capsys: pytest.CaptureFixture[str]) -> None:
    """All examples of all applications but the default one are printed; each size is shown."""
    assert main(["--url", url, "--referrer", "https://www.example.com/"]) == 0
    size = len(printer.content)
    lines = [f"{app} {name}: {size} bytes" for app in ("city", "a/b") for name in EXAMPLES]
    assert capsys.readouterr().out.splitlines() == lines
    assert printer.referrers == {"https://www.example.com/"}


def test_the_script_with_one_application(
    url: str, printer: PrintServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", url, "--app", "default", "--verbose"]) == 0
    assert "default map: {'layout': 'A4'}\n" in capsys.readouterr().out
    assert {request["app"] for request in printer.asked()} == {"default"}


def test_the_script_fails(url: str, printer: PrintServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Each failed report is one message on standard error, and the others are printed."""
    printer.content = b"<html>"
    assert main(["--url", url, "--app", "city"]) == 1
    assert capsys.readouterr().err.count("is not a PDF") == len(EXAMPLES)


def test_the_script_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", f"http://127.0.0.1:{free_port()}/", "--timeout", "0.1"]) == 1
    assert "No success within 0.1 s: ConnectError" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--url", "localhost"], ["--url", "http://a", "--timeout", "x"]])
def test_wrong_arguments(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
