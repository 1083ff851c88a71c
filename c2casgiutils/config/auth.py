"""Settings of the authentication."""

import datetime
import enum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from c2casgiutils.config._types import (
    AnyCase,
    AnyCaseOfUpper,
    CookieAge,
    CookieName,
    Group,
    HttpUrl,
    NotNegativeDuration,
    Secret,
    SecretList,
    checked_by,
    matches,
)

_MIN_KEY_LENGTH = 16
_ACCEPTED_KEY = "32 random characters or more"
_MIN_SECRET_LENGTH = 16
_EXAMPLES = ("change-me", "changeme", "your-secret")
_MIN_SECRET_LETTERS = 6


class GitHubAccessType(enum.StrEnum):
    """A permission on a repository; a stronger one includes the weaker ones."""

    PULL = "pull"
    PUSH = "push"
    ADMIN = "admin"

    @property
    def strength(self) -> int:
        """Its position among the permissions, 0 for the weakest."""
        return list(type(self)).index(self)


def _check_key(key: str) -> str:
    if len(key) < _MIN_KEY_LENGTH:
        raise ValueError(f"has fewer than {_MIN_KEY_LENGTH} characters; use {_ACCEPTED_KEY}")
    if any(example in key.lower() for example in _EXAMPLES):
        raise ValueError(f"is an example; use {_ACCEPTED_KEY}")
    return key


def _check_keys(keys: list[str]) -> list[str]:
    return [_check_key(key) for key in keys]


def is_weak_secret(secret: str) -> bool:
    """Return whether a shared secret can be guessed: short, an example, or of few different characters."""
    return (
        len(secret) < _MIN_SECRET_LENGTH
        or len(set(secret)) < _MIN_SECRET_LETTERS
        or any(example in secret.lower() for example in _EXAMPLES)
    )


def _scope(scope: str) -> str:
    # An empty value counts as unset.
    return "" if scope.strip().lower() == "none" else scope


_Level = Annotated[GitHubAccessType, AnyCase]


class JWTCookie(Group):
    """Attributes of the session cookie."""

    name: CookieName = Field(default="c2c-jwt-auth", description="Name of the session cookie")
    age: CookieAge = Field(default=datetime.timedelta(days=7), description="Maximum session lifetime")
    same_site: Annotated[Literal["lax", "strict", "none"], AnyCase] = Field(
        default="lax", description="`SameSite` of the session cookie; `none` needs `SECURE`"
    )
    secure: bool = Field(default=True, description="Send the session cookie over HTTPS only")
    path: Annotated[str, matches(r"/[!-:<-~]*", "a path that starts with /")] | None = Field(
        default=None, description="Path of the session cookie; by default that of the mounted index"
    )


class JWT(Group):
    """Settings of the signed sessions."""

    secret: Annotated[Secret, checked_by(_check_key)] | None = Field(
        default=None,
        description="Key that signs sessions: 32 random characters or more; fewer than 16 are refused",
    )
    algorithm: Annotated[Literal["HS256", "HS384", "HS512"], AnyCaseOfUpper] = Field(
        default="HS256", description="Signature algorithm of the session"
    )
    previous_secrets: Annotated[SecretList, checked_by(_check_keys)] = Field(
        default=[], description="Earlier keys, comma-separated: sessions signed with them stay valid"
    )
    cookie: JWTCookie = Field(default_factory=JWTCookie)


class GitHub(Group):
    """Sign-in through GitHub."""

    repository: Annotated[str, matches(r"[\w.-]+/[\w.-]+", "organisation/repository")] | None = Field(
        default=None, description="`organisation/repository` whose permissions decide on the access"
    )
    access_type: _Level = Field(
        default=GitHubAccessType.PULL,
        description="Older name of `ACCESS_TYPE_READ_ONLY`, used when that is unset",
    )
    access_type_read_only: _Level = Field(
        default=GitHubAccessType.PULL, description="Permission required to read"
    )
    access_type_read_write: _Level = Field(
        default=GitHubAccessType.PUSH, description="Permission required to make changes"
    )
    access_type_admin: _Level = Field(
        default=GitHubAccessType.ADMIN, description="Permission required for administration"
    )
    authorize_url: HttpUrl = Field(
        default="https://github.com/login/oauth/authorize", description="OAuth authorization page of GitHub"
    )
    token_url: HttpUrl = Field(
        default="https://github.com/login/oauth/access_token", description="OAuth token endpoint"
    )
    user_url: HttpUrl = Field(
        default="https://api.github.com/user", description="API endpoint that returns the user"
    )
    repo_url: HttpUrl = Field(
        default="https://api.github.com/repos",
        description="API endpoint that returns the permissions on a repository",
    )
    client_id: str | None = Field(default=None, description="Client id of the OAuth application")
    client_secret: Secret | None = Field(default=None, description="Client secret of the OAuth application")
    scope: Annotated[str, AfterValidator(_scope)] = Field(
        default="repo",
        description="Requested OAuth scope; `none` requests none, which is enough for a public repository",
    )
    proxy_url: HttpUrl | None = Field(
        default=None, description="Proxy of the OAuth callback; it receives the callback URL as `came_from`"
    )
    state_cookie: CookieName = Field(
        default="c2c-state", description="Name of the cookie that holds the state of a sign-in"
    )
    state_cookie_age: CookieAge = Field(
        default=datetime.timedelta(minutes=10), description="Maximum duration of a sign-in"
    )
    access_token_expiration_margin: NotNegativeDuration = Field(
        default=datetime.timedelta(minutes=1),
        description="Time before its expiry at which a token is refreshed",
    )
    bearer: bool = Field(default=False, description="Accept GitHub tokens in `Authorization: Bearer`")
    allow_public_pull: bool = Field(
        default=False,
        description="Grant access for `pull` on a public repository, where every GitHub user has it",
    )
    permission_ttl: NotNegativeDuration = Field(
        default=datetime.timedelta(seconds=60), description="Time for which a permission is cached"
    )

    @model_validator(mode="before")
    @classmethod
    def _single_level(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("access_type_read_only"):
            return data
        level = str(data.get("access_type", "")).strip().lower()
        return {**data, "access_type_read_only": level} if level in set(GitHubAccessType) else data


class TestUser(Group):
    """Name of a user who is always signed in; for tests only."""

    __test__ = False
    username: str | None = Field(
        default=None,
        description="Name of a user who is always signed in, on a loopback host or with `DEVELOPMENT`",
    )


class Auth(Group):
    """Settings of the authentication."""

    secret: Secret | None = Field(default=None, description="The shared secret")
    public_url: HttpUrl | None = Field(
        default=None,
        description="Base of absolute links and of the OAuth callback; by default the host of the request",
    )
    throttle_per_client: int = Field(
        default=20, ge=1, description="Maximum number of wrong secrets from one address per minute"
    )
    throttle_total: int = Field(
        default=200, ge=1, description="Maximum number of wrong secrets from all addresses per minute"
    )
    jwt: JWT = Field(default_factory=JWT)
    github: GitHub = Field(default_factory=GitHub)
    test: TestUser = Field(default_factory=TestUser)


def contradictions(auth: Auth, *, http: bool) -> list[str]:
    """Return the contradictions between settings, one message for each variable concerned.

    Args:
        auth: The settings.
        http: Whether cookies are sent without `Secure`, for development over plain HTTP.
    """
    problems = _missing_of_github(auth)
    if auth.jwt.cookie.same_site == "none" and (http or not auth.jwt.cookie.secure):
        problems.append("C2C__AUTH__JWT__COOKIE__SAME_SITE: none requires a secure cookie; use lax or strict")
    return problems


def _missing_of_github(auth: Auth) -> list[str]:
    parts = {
        "C2C__AUTH__GITHUB__REPOSITORY": auth.github.repository,
        "C2C__AUTH__GITHUB__CLIENT_ID": auth.github.client_id,
        "C2C__AUTH__GITHUB__CLIENT_SECRET": auth.github.client_secret,
    }
    if not any(parts.values()):
        return []
    problems = [
        f"{name}: is missing; set all or none of {', '.join(parts)}"
        for name, value in parts.items()
        if not value
    ]
    if not problems and not (auth.secret or auth.test.username or auth.jwt.secret):
        problems.append(f"C2C__AUTH__JWT__SECRET: is missing; the sign-in with GitHub needs {_ACCEPTED_KEY}")
    return problems
