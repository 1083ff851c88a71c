"""What GitHub moved: a renamed repository, and addresses that lead elsewhere."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from tests.support.auth import KEY, configure, github_sign_in
from tests.support.fake_github import FakeGitHub, Repository

OLD, NEW = "/repos/org/repo", "/repos/new-org/new-repo"


@pytest.fixture
def renamed(github: FakeGitHub) -> FakeGitHub:
    """A GitHub where the configured repository has another name."""
    github.repositories = {"new-org/new-repo": Repository(permissions={"octocat": ["pull"]})}
    github.moved = {OLD: (301, NEW)}
    return github


@pytest.fixture(scope="module")
def stranger() -> Iterator[FakeGitHub]:
    """Another server, which must never get a token."""
    with FakeGitHub() as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("is_absolute", [True, False], ids=["absolute", "relative"])
async def test_renamed_repository(
    client: httpx.AsyncClient, renamed: FakeGitHub, status: int, *, is_absolute: bool
) -> None:
    """The permissions on the renamed repository count, not more and not less."""
    renamed.moved = {OLD: (status, f"{renamed.url if is_absolute else ''}{NEW}")}
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200
    assert (await client.get("/c2c/write")).status_code == 403
    assert renamed.calls[NEW] == 1


async def test_renamed_twice(client: httpx.AsyncClient, renamed: FakeGitHub) -> None:
    """Each redirect is followed."""
    renamed.moved = {OLD: (301, "/repos/org/other"), "/repos/org/other": (301, NEW)}
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200


async def test_new_name_is_logged_once(
    client: httpx.AsyncClient, renamed: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    """One line names the new name, however often permissions are asked."""
    configure(jwt={"secret": KEY}, github=renamed.settings(permission_ttl="0s"))
    await github_sign_in(client)
    for _ in range(3):
        assert (await client.get("/c2c/read")).status_code == 200
    assert renamed.calls[OLD] >= 3
    lines = [line for line in caplog.messages if "new-org/new-repo" in line]
    assert len(lines) == 1
    assert "org/repo" in lines[0]
    assert "C2C__AUTH__GITHUB__REPOSITORY" in lines[0]


async def test_name_in_another_case(
    client: httpx.AsyncClient, github: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    """A repository under its own name is nothing to tell, nor is it in another case."""
    configure(jwt={"secret": KEY}, github=github.settings(repository="Org/Repo"))
    github.moved = {"/repos/Org/Repo": (301, OLD)}
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 200
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("form", ["http://{}", "http://user:password@{}", "//{}"])
async def test_other_origin_gets_no_token(
    client: httpx.AsyncClient, renamed: FakeGitHub, stranger: FakeGitHub, form: str
) -> None:
    """A redirect to another origin is not followed: the answer is 503, as for any unusable answer."""
    stranger.reset()
    renamed.moved = {OLD: (301, form.format(f"127.0.0.1:{stranger.port}{NEW}"))}
    await github_sign_in(client)
    response = await client.get("/c2c/read")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert not stranger.calls


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1:{port}/repos/new-org/new-repo",
        "http://localhost:{port}/repos/new-org/new-repo",
        "http://user:password@127.0.0.1:{port}/repos/new-org/new-repo",
        "ftp://127.0.0.1:{port}/",
        "http://[",
        "mailto:a@b.example",
        "",
        OLD,
    ],
)
async def test_useless_location(
    client: httpx.AsyncClient, renamed: FakeGitHub, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Another scheme, host or user, nonsense, no address and a circle are all a 503."""
    renamed.moved = {OLD: (301, location.format(port=renamed.port))}
    await github_sign_in(client)
    assert (await client.get("/c2c/read")).status_code == 503
    assert renamed.calls[NEW] == 0
    assert "password" not in caplog.text


async def test_moved_user(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    """The question who the user is follows a redirect too."""
    configure(jwt={"secret": KEY}, github=github.settings(user_url=f"{github.url}/old-user"))
    github.moved = {"/old-user": (307, "/user")}
    response = await github_sign_in(client)
    assert response.status_code == 307
    status = (await client.get("/c2c/auth/status")).json()
    assert status["user"]["login"] == "octocat"


@pytest.mark.parametrize("status", [301, 307])
async def test_moved_token_endpoint(client: httpx.AsyncClient, github: FakeGitHub, status: int) -> None:
    """The client secret is sent to the address of the settings only."""
    github.moved = {"/login/oauth/access_token": (status, "/moved/access_token")}
    assert (await github_sign_in(client)).status_code == 503
    assert github.calls["/moved/access_token"] == 0


@pytest.mark.parametrize("changes", [{"html_url": None}, {"name": None}, {"html_url": None, "name": None}])
async def test_user_without_texts(
    client: httpx.AsyncClient, github: FakeGitHub, changes: dict[str, None]
) -> None:
    """What GitHub does not know about a user is an empty text; the name is then the login."""
    github.users["octocat"] |= changes
    assert (await github_sign_in(client)).status_code == 307
    user = (await client.get("/c2c/auth/status")).json()["user"]
    assert user["url"] == ("" if "html_url" in changes else "https://github.com/octocat")
    assert user["display_name"] == ("octocat" if "name" in changes else "The Octocat")
