"""The page behind a real nginx that strips a prefix of the path, with two mounts."""

import html
import json
import os
import re
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.support.processes import Uvicorn
from tests.support.web_servers import Nginx

SECRET = "s3cret-of-the-test"
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__PROMETHEUS__PORT": "0",
    "C2C__HTTP": "True",
    "C2C__PROXY_HEADERS__TYPE": "x-forwarded",
    "C2C__PROXY_HEADERS__APPLY_PREFIX": "True",
}
LOCATIONS = """
location /told/ {{
    proxy_pass {url}/;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Prefix /told;
}}
location /untold/ {{
    proxy_pass {url}/;
    proxy_set_header Host $http_host;
}}
"""


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """The address of the proxy."""
    with (
        Uvicorn("tests.support.two_mounts_app:app", env=ENVIRONMENT) as server,
        Nginx(LOCATIONS.format(url=server.url)) as nginx,
    ):
        yield nginx.url


@pytest.fixture
def visitor(proxy: str) -> Iterator[httpx.Client]:
    """A client that follows redirects and keeps cookies by their paths, as a browser does."""
    headers = {"Accept": "text/html"}
    with httpx.Client(base_url=proxy, follow_redirects=True, headers=headers, timeout=20) as client:
        yield client


def sign_in(visitor: httpx.Client, mount: str) -> httpx.Response:
    """Open a view that asks for a sign-in, and send its form."""
    form = visitor.get(f"{mount}/statements?x=/c2c/")
    assert form.status_code == 403
    (came_from,) = re.findall('name="came_from" value="([^"]*)"', form.text)
    (action,) = re.findall('method="post" action="([^"]*login)"', form.text)
    return visitor.post(
        form.url.join(action),
        data={"secret": SECRET, "came_from": came_from},
        headers={"Referer": str(form.url)},
    )


@pytest.mark.parametrize("mount", ["/told/c2c", "/told/ops"])
def test_prefix_that_the_proxy_tells(visitor: httpx.Client, mount: str) -> None:
    """Sign-in, deep link, cookie and sign-out stay below the prefix and the mount."""
    page = sign_in(visitor, mount)
    assert (page.status_code, page.url.raw_path) == (200, f"{mount}/statements?x=%2Fc2c%2F".encode())
    assert [cookie.path for cookie in visitor.cookies.jar] == [mount]
    assert "Sign out" in page.text
    left = visitor.post(f"{mount}/auth/logout", headers={"Referer": str(page.url)})
    assert (left.status_code, left.url.path) == (200, f"{mount}/")
    assert "Sign out" not in left.text
    assert not visitor.cookies.jar


def test_commands_of_the_page(visitor: httpx.Client) -> None:
    """The commands that a view shows get its data and do what its buttons do, through the proxy."""
    page = sign_in(visitor, "/told/c2c")
    assert SECRET not in page.text
    environment = {**os.environ, "C2C_SECRET": SECRET}
    answers = []
    for number in (2, 3):  # one of them to end what the other one began
        commands = re.findall("<code>(curl .*?)</code>", visitor.get(page.url).text)
        assert len(commands) == number
        for command in commands[number - 2 :]:
            shell = ["bash", "-c", f"{html.unescape(command)} --silent --fail"]
            done = subprocess.run(shell, env=environment, capture_output=True, check=True)
            answers.append(json.loads(done.stdout)["enabled"])
    assert answers == [False, True, True, False]


@pytest.mark.parametrize("mount", ["/untold/c2c", "/untold/ops"])
def test_prefix_that_the_proxy_does_not_tell(visitor: httpx.Client, mount: str) -> None:
    """The sign-in stays below the prefix, and the page names the settings that are missing."""
    page = sign_in(visitor, mount)
    assert (page.status_code, page.url.path) == (403, f"{mount}/statements")
    assert "C2C__PROXY_HEADERS__APPLY_PREFIX=True" in page.text
    assert "X-Forwarded-Prefix" in page.text
    assert 'value="statements?x=%2Fc2c%2F"' in page.text
