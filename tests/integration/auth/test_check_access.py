"""What `check_access` grants: each kind of sign-in, each permission, each form of `AuthConfig`."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from fastapi import HTTPException, Request, Response

from c2casgiutils import auth
from tests.support.auth import KEY, SECRET, configure
from tests.support.fake_github import FakeGitHub, Repository

ROLES = {"nobody": [], "pull": ["pull"], "push": ["pull", "push"], "admin": ["pull", "push", "admin"]}
NO_ROLE = "no role"


class Form(NamedTuple):
    """A form of `AuthConfig`, and the role that it asks for on the configured or on the other repository."""

    make: Callable[[], auth.AuthConfig]
    configured: str = NO_ROLE
    other: str = NO_ROLE


FORMS = {
    "nothing": Form(auth.AuthConfig),
    "empty repository": Form(lambda: auth.AuthConfig(github_repository="")),
    "blank repository": Form(lambda: auth.AuthConfig(github_repository=" ")),
    "none": Form(lambda: auth.AuthConfig(github_repository=None, github_access_type=None)),
    "empty level": Form(lambda: auth.AuthConfig(github_access_type="")),
    "empty levels": Form(
        lambda: auth.AuthConfig(
            github_access_type_read_only="", github_access_type_read_write="", github_access_type_admin=""
        )
    ),
    "further key": Form(lambda: auth.AuthConfig(github_level="pull")),
    "configured repository": Form(lambda: auth.AuthConfig(github_repository="org/repo")),
    "other repository": Form(lambda: auth.AuthConfig(github_repository="org/other")),
    "other repository, empty level": Form(
        lambda: auth.AuthConfig(github_repository="org/other", github_access_type="")
    ),
    "pull": Form(lambda: auth.AuthConfig(github_access_type="pull"), configured="pull"),
    "push": Form(lambda: auth.AuthConfig(github_access_type="push"), configured="push"),
    "admin": Form(lambda: auth.AuthConfig(github_access_type="admin"), configured="admin"),
    "pull, empty repository": Form(
        lambda: auth.AuthConfig(github_repository="", github_access_type="pull"), configured="pull"
    ),
    "push, configured repository": Form(
        lambda: auth.AuthConfig(github_repository="org/repo", github_access_type="push"), configured="push"
    ),
    "any case": Form(lambda: auth.AuthConfig(github_access_type=" Push "), configured="push"),
    "pull to read": Form(lambda: auth.AuthConfig(github_access_type_read_only="pull"), configured="pull"),
    "push to write": Form(lambda: auth.AuthConfig(github_access_type_read_write="push"), configured="push"),
    "admin to administrate": Form(
        lambda: auth.AuthConfig(github_access_type_admin="admin"), configured="admin"
    ),
    "pull to administrate": Form(lambda: auth.AuthConfig(github_access_type_admin="pull"), configured="pull"),
    "strongest of several": Form(
        lambda: auth.AuthConfig(github_access_type_read_only="pull", github_access_type_read_write="push"),
        configured="push",
    ),
    "pull, other repository": Form(
        lambda: auth.AuthConfig(github_repository="org/other", github_access_type="pull"), other="pull"
    ),
    "push, other repository": Form(
        lambda: auth.AuthConfig(github_repository="org/other", github_access_type_read_write="push"),
        other="push",
    ),
    "admin, other repository": Form(
        lambda: auth.AuthConfig(github_repository="org/other", github_access_type_admin="admin"),
        other="admin",
    ),
    "read-only constant": Form(lambda: auth.READ_ONLY_AUTH_CONFIG, configured="pull"),
    "read-write constant": Form(lambda: auth.READ_WRITE_AUTH_CONFIG, configured="push"),
    "admin constant": Form(lambda: auth.ADMIN_AUTH_CONFIG, configured="admin"),
}


def _request() -> Request:
    return Request({"type": "http", "method": "GET", "headers": [], "path": "/", "query_string": b""})


async def _is_let_through(info: auth.AuthInfo, asks: auth.AuthConfig) -> bool:
    try:
        await auth.require_access(info, asks, _request(), Response())
    except HTTPException as error:
        if error.status_code != 403:
            raise
        return False
    return True


async def _answers(info: auth.AuthInfo, asks: auth.AuthConfig) -> set[bool]:
    """What each way to ask the same question answers."""
    context = auth.AccessContext(info, _request(), Response())
    return {
        await auth.check_access(info, asks),
        await auth.check_access(info, asks, _request(), Response()),
        await context.check_access(asks),
        await _is_let_through(info, asks),
    }


async def _all_answers(info: auth.AuthInfo) -> dict[str, set[bool]]:
    return {name: await _answers(info, form.make()) for name, form in FORMS.items()}


async def _all_answers_of_config(info: auth.AuthInfo) -> dict[str, set[bool]]:
    return {
        name: {
            await auth.check_access_config(info, form.make()),
            await auth.check_access_config(info, form.make(), _request(), Response()),
        }
        for name, form in FORMS.items()
    }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("other_role", ROLES)
async def test_github(github: FakeGitHub, role: str, other_role: str) -> None:
    """Who has the permission passes, and administrators do; without one nobody else does."""
    github.repositories["org/repo"] = Repository(permissions={"octocat": ROLES[role]})
    github.repositories["org/other"] = Repository(permissions={"octocat": ROLES[other_role]})
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token=github.token()))
    granted = {
        name: form.configured in ROLES[role] or form.other in ROLES[other_role]
        for name, form in FORMS.items()
    }
    assert await _all_answers_of_config(info) == {name: {each} for name, each in granted.items()}
    expected = {name: {each or role == "admin"} for name, each in granted.items()}
    assert await _all_answers(info) == expected


@pytest.mark.parametrize("info", [auth.AuthInfo(), auth.AuthInfo(is_logged_in=True)], ids=["out", "no token"])
async def test_github_without_a_token(github: FakeGitHub, info: auth.AuthInfo) -> None:
    """Who has no token is let through nowhere, and GitHub is not asked."""
    nothing = {name: {False} for name in FORMS}
    assert await _all_answers_of_config(info) == nothing
    assert await _all_answers(info) == nothing
    assert not github.calls


@pytest.mark.parametrize(
    "settings", [{"secret": SECRET}, {"test": {"username": "x"}}, {}], ids=["secret", "test", "none"]
)
@pytest.mark.parametrize("signed_in", [True, False], ids=["in", "out"])
async def test_other_modes(settings: dict[str, object], *, signed_in: bool) -> None:
    """Outside GitHub mode who is signed in has all rights, but none on a repository."""
    configure(jwt={"secret": KEY}, **settings)
    info = auth.AuthInfo(is_logged_in=signed_in)
    assert await _all_answers_of_config(info) == {name: {False} for name in FORMS}
    assert await _all_answers(info) == {name: {signed_in} for name in FORMS}


@pytest.mark.parametrize("field", list(auth.AuthConfig.model_fields))
def test_assigned_empty_text_is_not_set(field: str) -> None:
    """An empty text counts as not set when it is assigned too."""
    asks = auth.AuthConfig(github_repository="org/repo", github_access_type="pull")
    setattr(asks, field, "")
    assert getattr(asks, field) is None


async def test_assigned_level_counts(github: FakeGitHub) -> None:
    """A level that is assigned later is asked for."""
    github.repositories["org/repo"] = Repository(permissions={"octocat": ["pull"]})
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token=github.token()))
    asks = auth.AuthConfig()
    asks.github_access_type_read_only = "pull"
    assert await _answers(info, asks) == {True}
    asks.github_access_type_read_only = "admin"
    assert await _answers(info, asks) == {False}


@pytest.mark.parametrize(
    ("field", "value"),
    [("github_access_type", "write"), ("github_repository", "repo"), ("github_repository", "org/repo/x")],
)
def test_wrong_value(field: str, value: str) -> None:
    """What cannot be asked for is refused and named, at first and when it is assigned."""
    with pytest.raises(ValueError, match=field):
        auth.AuthConfig(**{field: value})
    asks = auth.AuthConfig()
    with pytest.raises(ValueError, match=field):
        setattr(asks, field, value)


async def test_administrators_are_those_of_the_settings(github: FakeGitHub) -> None:
    """With `push` as the permission of administrators, who may push is let through without a level too."""
    configure(jwt={"secret": KEY}, github=github.settings(access_type_admin="push"))
    github.repositories["org/repo"] = Repository(permissions={"octocat": ["push"]})
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token=github.token()))
    assert await _answers(info, auth.AuthConfig()) == {True}
    assert await auth.check_access_config(info, auth.AuthConfig()) is False


async def test_public_pull_is_no_level(github: FakeGitHub) -> None:
    """On a public repository, where everybody has `pull`, a config without a level still grants nothing."""
    github.repositories["org/repo"] = Repository(private=False)
    configure(jwt={"secret": KEY}, github=github.settings(allow_public_pull=True))
    info = auth.AuthInfo(is_logged_in=True, user=auth.UserInfo(token=github.token()))
    assert await _answers(info, auth.AuthConfig(github_access_type="pull")) == {True}
    assert await _answers(info, auth.AuthConfig()) == {False}
