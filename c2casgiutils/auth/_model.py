"""What is known about a caller, and what a view may ask for."""

import enum
from typing import Annotated, Any, Literal

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

from c2casgiutils import config


class AuthenticationType(enum.Enum):
    """How callers of this deployment sign in."""

    NONE = "none"
    SECRET = "secret"  # noqa: S105  # a name
    GITHUB = "github"
    TEST = "test"


class AuthMethod(enum.StrEnum):
    """The credentials by which one caller was identified."""

    NONE = "none"
    SECRET = "secret"  # noqa: S105  # a name
    GITHUB_OAUTH = "github_oauth"
    GITHUB_BEARER = "github_bearer"
    TEST = "test"


class UserInfo(BaseModel):
    """A user; what is unknown is an empty text: all of it for anonymous callers and for the shared secret.

    Attributes:
        login: The name at the provider.
        display_name: The name to show.
        url: The page of the user.
        token: The GitHub token, readable by code and excluded from every dump.
    """

    login: str = ""
    display_name: str = ""
    url: str = ""
    token: str = Field(default="", exclude=True, repr=False)


class GitHubSessionPayload(BaseModel):
    """What the encrypted session cookie keeps of a sign-in at GitHub; times are seconds since the epoch.

    What is not known is an empty text.

    Attributes:
        login: The name at GitHub.
        display_name: The name to show.
        url: The page of the user.
        access_token: The token of the user.
        access_token_expires_at: When it ends; none for a token that does not end.
        refresh_token: The token that gets the next one; empty when there is none.
        refresh_token_expires_at: When that one ends.
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    login: str = Field(default="", max_length=100)
    display_name: str = Field(default="", max_length=300)
    url: str = Field(default="", max_length=1000)
    access_token: str = Field(default="", repr=False)
    access_token_expires_at: int | None = None
    refresh_token: str = Field(default="", repr=False)
    refresh_token_expires_at: int | None = None


class AuthInfo(BaseModel):
    """Who is calling.

    Attributes:
        is_logged_in: Whether the caller is signed in; this is not enough for a protected view.
        user: Who they are.
        type: How they proved it.
        session_payload: The GitHub session, for code; excluded from every dump.
    """

    is_logged_in: bool = False
    user: UserInfo = UserInfo()
    type: AuthMethod = AuthMethod.NONE
    session_payload: GitHubSessionPayload | None = Field(default=None, exclude=True, repr=False)
    _unavailable: HTTPException | None = PrivateAttr(None)
    _refusal: str | None = PrivateAttr(None)

    @classmethod
    def refused(cls, reason: str) -> "AuthInfo":
        """Return an anonymous caller whose credential is refused, for a reason that they may know."""
        auth_info = cls()
        auth_info._refusal = reason
        return auth_info

    @property
    def refusal(self) -> str | None:
        """Why the credential of the caller is refused; none when there is none or it is accepted."""
        return self._refusal

    def note_unavailable(self, error: HTTPException) -> None:
        """Remember that the provider cannot be asked about this caller."""
        self._unavailable = error

    @property
    def unavailable(self) -> HTTPException | None:
        """The answer to a question that only the provider could answer, while it cannot be asked."""
        return self._unavailable


def _unset_if_empty(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _access_type(value: Any) -> Any:
    return _unset_if_empty(value.strip().lower() if isinstance(value, str) else value)


AccessType = Annotated[
    config.GitHubAccessType | Literal["pull", "push", "admin", ""] | None, BeforeValidator(_access_type)
]


class AuthConfig(BaseModel):
    """The permission on a GitHub repository that a view asks for.

    Without an access type it asks for nothing, and so grants nothing; of several access types the strongest
    counts. An empty text counts as not set, further keys are ignored.

    Attributes:
        github_repository: `organisation/repository`, by default the configured one.
        github_access_type: The permission asked for.
        github_access_type_read_only: The permission that reading asks for.
        github_access_type_read_write: The permission that writing asks for.
        github_access_type_admin: The permission that administrating asks for.

    Raises:
        ValueError: On an unknown permission, or on what is not the name of a repository.
    """

    model_config = ConfigDict(extra="ignore", validate_assignment=True)

    github_repository: Annotated[
        Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None, BeforeValidator(_unset_if_empty)
    ] = None
    github_access_type: AccessType = None
    github_access_type_read_only: AccessType = None
    github_access_type_read_write: AccessType = None
    github_access_type_admin: AccessType = None


def asked_of(auth_config: AuthConfig) -> config.GitHubAccessType | None:
    """Return the strongest permission that a view asks for, none when it asks for nothing."""
    given = (
        auth_config.github_access_type,
        auth_config.github_access_type_read_only,
        auth_config.github_access_type_read_write,
        auth_config.github_access_type_admin,
    )
    asked = [config.GitHubAccessType(each) for each in given if each]
    return max(asked, key=lambda each: each.strength, default=None)


def read_only_config() -> AuthConfig:
    """Return the configured repository at the read-only level."""
    github = config.settings.auth.github
    return AuthConfig(
        github_repository=github.repository, github_access_type_read_only=github.access_type_read_only
    )


def read_write_config() -> AuthConfig:
    """Return the configured repository at the read-write level."""
    github = config.settings.auth.github
    return AuthConfig(
        github_repository=github.repository, github_access_type_read_write=github.access_type_read_write
    )


def admin_config() -> AuthConfig:
    """Return the configured repository at the admin level."""
    github = config.settings.auth.github
    return AuthConfig(github_repository=github.repository, github_access_type_admin=github.access_type_admin)
