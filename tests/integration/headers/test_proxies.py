"""Two processes behind the web servers of docs/proxies.md, configured as the page says."""

import signal
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.support.certificates import make_certificate
from tests.support.net import free_port, wait_for
from tests.support.pages import blocks
from tests.support.processes import Uvicorn
from tests.support.web_servers import Apache, Nginx, WebServer

SECRET = "s3cret-of-the-test"
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__DRAIN_WAIT": "3",
    "C2C__PROMETHEUS__PORT": "0",
    "C2C__PROXY_HEADERS__TYPE": "x-forwarded",
    "C2C__PROXY_HEADERS__APPLY_PREFIX": "True",
}
CLIENT = "127.0.0.2"
"""An address that is no trusted proxy."""
FORGED = {
    "Forwarded": "for=192.0.2.1;host=evil.example.com;proto=http",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
}


class Site:
    """The two processes and the web server in front of them."""

    def __init__(self, processes: list[Uvicorn], front: WebServer, certificate: Path) -> None:
        self.processes = processes
        # nginx sends a POST only once, and asks no readiness probe
        self.method = "GET" if isinstance(front, Nginx) else "POST"
        self.url = f"https://127.0.0.1:{front.port}"
        self._context = ssl.create_default_context(cafile=certificate)

    def client(self) -> httpx.Client:
        """Return a client of another address, that trusts the certificate."""
        # neither web server closes a connection that was idle for so short a time
        limits = httpx.Limits(keepalive_expiry=2)
        transport = httpx.HTTPTransport(verify=self._context, local_address=CLIENT, limits=limits)
        headers = {"Accept": "text/html"}
        return httpx.Client(
            base_url=self.url, transport=transport, headers=headers, timeout=30, follow_redirects=True
        )


def snippet(name: str, start: str) -> str:
    """Return a block of the page."""
    (code,) = [block.code for block in blocks(name) if block.code.startswith(start)]
    return code


def start(name: str, ports: list[int], port: int, certificate: Path, key: Path) -> WebServer:
    """Return the web server, with the configuration of the page but for ports and paths."""
    changes = {
        "127.0.0.1:8001": f"127.0.0.1:{ports[0]}",
        "127.0.0.1:8002": f"127.0.0.1:{ports[1]}",
        "/etc/ssl/shop.pem": str(certificate),
        "/etc/ssl/shop.key": str(key),
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "*:443": f"127.0.0.1:{port}",
    }
    if name == "nginx":
        prefix = snippet("nginx", "location /api/")
        code = snippet("nginx", "upstream shop").removesuffix("}\n") + prefix + "}\n"
    else:
        prefix = snippet("apache", "ProxyPass /api/")
        code = snippet("apache", "<VirtualHost").replace("ProxyPass / ", f"{prefix}ProxyPass / ")
    for old, new in changes.items():
        code = code.replace(old, new)
    return Nginx(blocks=code, port=port) if name == "nginx" else Apache(code, port)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """Both web servers, in front of the same processes."""
    certificate, key = make_certificate(tmp_path_factory.mktemp("certificate"), days=1)
    with ExitStack() as stack:
        app = "tests.support.shop_app:app"
        processes = [stack.enter_context(Uvicorn(app, env=ENVIRONMENT)) for _ in range(2)]
        ports = [process.port for process in processes]
        fronts = {
            name: stack.enter_context(start(name, ports, free_port(), certificate, key))
            for name in ("nginx", "apache")
        }
        yield {name: Site(processes, front, certificate) for name, front in fronts.items()}


@pytest.fixture(params=["nginx", "apache"])
def site(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Site:
    return sites[request.param]


@pytest.mark.parametrize("headers", [{}, FORGED], ids=["plain", "forged"])
def test_urls_and_address_of_the_client(site: Site, headers: dict[str, str]) -> None:
    """Both processes see scheme, host and port of the web server and the address of the client."""
    answers = []

    def both_answered() -> bool:
        answers.append(client.get("/where", headers=headers).json())
        return len({answer["process"] for answer in answers}) == 2

    with site.client() as client:
        wait_for(both_answered, what="answers of both processes")
    assert {answer["url"] for answer in answers} == {f"{site.url}/where"}
    assert {answer["client"] for answer in answers} == {CLIENT}


def test_prefix(site: Site) -> None:
    """The location that strips a prefix tells it, and a client cannot change it."""
    with site.client() as client:
        answer = client.get("/api/where", headers=FORGED).json()
    assert (answer["url"], answer["client"]) == (f"{site.url}/api/where", CLIENT)


def test_sign_in(site: Site) -> None:
    """The form signs in with a cookie for HTTPS, which both processes accept, and out again."""
    with site.client() as client:
        form = client.get("/c2c/levels")
        assert form.status_code == 403
        data = {"secret": SECRET, "came_from": "levels"}
        page = client.post("/c2c/auth/login", data=data, headers={"Referer": str(form.url)})
        assert (page.status_code, str(page.url)) == (200, f"{site.url}/c2c/levels")
        (cookie,) = client.cookies.jar
        assert (cookie.secure, cookie.path) == (True, "/c2c")
        assert [client.get("/c2c/logging/overrides").status_code for _ in range(4)] == [200] * 4
        client.post("/c2c/auth/logout", headers={"Referer": str(page.url)})
        assert client.get("/c2c/logging/overrides").status_code == 403


class Traffic:
    """Requests of parallel clients, counted by result and process, until the end of the block.

    Most clients keep their connection, the others open a new one for each request.
    """

    kept_open, new = 8, 2

    def __init__(self, site: Site) -> None:
        self.answers: Counter[tuple[int | str, int | None]] = Counter()
        self._site = site
        self._lock = threading.Lock()
        self._end = threading.Event()
        keep = [True] * self.kept_open + [False] * self.new
        self._threads = [threading.Thread(target=self._send, args=(one,)) for one in keep]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def is_of_both(self) -> bool:
        return len(self.answers) >= 2

    def wait_for_more(self) -> None:
        """Wait for ten more answers to each client."""
        enough = self.answers.total() + 10 * len(self._threads)
        wait_for(lambda: self.answers.total() >= enough, what="answers")

    def _send(self, keep: bool) -> None:
        headers = {} if keep else {"Connection": "close"}
        with self._site.client() as client:
            while not self._end.wait(0.02):
                try:
                    answer = client.request(self._site.method, "/where", headers=headers)
                except httpx.HTTPError as error:
                    self._count(repr(error), None)
                    continue
                process = answer.json()["process"] if answer.status_code == 200 else None
                self._count(answer.status_code, process)

    def _count(self, result: int | str, process: int | None) -> None:
        with self._lock:
            self.answers[result, process] += 1


@pytest.mark.parametrize("drained", [False, True], ids=["sigterm", "drain, then sigterm"])
def test_drain(sites: dict[str, Site], record_property: Callable[[str, str], None], *, drained: bool) -> None:
    """A process that gets SIGTERM, drained just before or not, ends and loses no request of ten clients."""
    nginx, apache = sites.values()
    stopped = nginx.processes[0]
    assert stopped.process is not None
    try:
        with Traffic(nginx) as by_nginx, Traffic(apache) as by_apache:
            for traffic in (by_nginx, by_apache):
                wait_for(traffic.is_of_both, what="answers of both processes")
            if drained:
                headers, body = {"X-API-Key": SECRET}, {"force": True}
                url = f"{stopped.url}/c2c/drain"
                httpx.post(url, headers=headers, json=body, timeout=30).raise_for_status()
            stopped.process.send_signal(signal.SIGTERM)
            stopped.process.wait(60)
            by_nginx.wait_for_more()
            by_apache.wait_for_more()
    finally:
        stopped.start()
    for name, traffic in (("nginx", by_nginx), ("Apache", by_apache)):
        assert {result for result, _ in traffic.answers} == {200}
        lost = f"{traffic.answers.total()} requests, none lost"
        record_property("summary", f"a stop behind {name} with 10 clients: {lost}")


def test_process_that_is_not_ready(sites: dict[str, Site]) -> None:
    """Apache asks the readiness probe, and sends nothing more to a process that drains."""
    process = sites["apache"].processes[0]
    with (
        httpx.Client(base_url=process.url, headers={"X-API-Key": SECRET}, timeout=30) as direct,
        sites["apache"].client() as client,
    ):
        direct.post("/c2c/drain", json={"seconds": 300, "force": True}).raise_for_status()
        drained = direct.get("/where").json()["process"]
        try:
            wait_for(
                lambda: drained not in {client.get("/where").json()["process"] for _ in range(10)},
                what="requests to the other process only",
            )
        finally:
            direct.delete("/c2c/drain").raise_for_status()
