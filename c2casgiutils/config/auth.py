"""Settings of the authentication."""

import datetime
import enum
from typing import Literal

from pydantic import Field

from c2casgiutils.config._types import Duration, Group, Secret, StringList


class GitHubAccessType(enum.StrEnum):
    """A permission on a repository, weakest first."""

    PULL = "pull"
    PUSH = "push"
    ADMIN = "admin"


class JWTCookie(Group):
    """Attributes of the session cookie."""

    name: str = "c2c-jwt-auth"
    age: Duration = datetime.timedelta(days=7)
    same_site: Literal["lax", "strict", "none"] = "lax"
    secure: bool = True
    path: str | None = None


class JWT(Group):
    """Keys of the session."""

    secret: Secret | None = None
    algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    previous_secrets: StringList = Field([], repr=False)
    cookie: JWTCookie = JWTCookie()


class GitHub(Group):
    """Sign-in through GitHub."""

    repository: str | None = None
    access_type: GitHubAccessType = GitHubAccessType.PULL
    access_type_read_only: GitHubAccessType = GitHubAccessType.PULL
    access_type_read_write: GitHubAccessType = GitHubAccessType.PUSH
    access_type_admin: GitHubAccessType = GitHubAccessType.ADMIN
    authorize_url: str = "https://github.com/login/oauth/authorize"
    token_url: str = "https://github.com/login/oauth/access_token"  # noqa: S105  # an address
    user_url: str = "https://api.github.com/user"
    repo_url: str = "https://api.github.com/repos"
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str = "repo"
    proxy_url: str | None = None
    state_cookie: str = "c2c-state"
    state_cookie_age: Duration = datetime.timedelta(minutes=10)
    access_token_expiration_margin: Duration = datetime.timedelta(minutes=1)
    bearer: bool = False
    allow_public_pull: bool = False
    permission_ttl: Duration = datetime.timedelta(seconds=60)


class TestUser(Group):
    """A user who is always signed in, for tests only."""

    __test__ = False
    username: str | None = None


class Auth(Group):
    """Who may see and do what."""

    secret: Secret | None = None
    public_url: str | None = None
    throttle_per_client: int = Field(20, ge=1)
    throttle_total: int = Field(200, ge=1)
    jwt: JWT = JWT()
    github: GitHub = GitHub()
    test: TestUser = TestUser()
