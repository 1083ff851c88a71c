"""What is known about a caller, and what a view can require."""

import enum
from typing import Annotated, Any, ClassVar, Literal

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
    """The credentials by which a caller was identified."""

    NONE = "none"
    SECRET = "secret"  # noqa: S105  # a name
    GITHUB_OAUTH = "github_oauth"
    GITHUB_BEARER = "github_bearer"
    TEST = "test"


class UserInfo(BaseModel):
    """A user; unknown texts are empty, as all are for anonymous callers, and the login for the shared secret.

    Attributes:
        login: The name at the provider.
        display_name: The name to show; `alice (unverified)` for a name given with the shared secret.
        url: The page of the user.
        token: The GitHub token, readable by code and excluded from every dump.
    """

    login: str = ""
    display_name: str = ""
    url: str = ""
    token: str = Field(default="", exclude=True, repr=False)


class GitHubSessionPayload(BaseModel):
    """The part of the encrypted session cookie about a GitHub sign-in; times are seconds since the epoch.

    Unknown texts are empty.

    Attributes:
        login: The name at GitHub.
        display_name: The name to show.
        url: The page of the user.
        access_token: The token of the user.
        access_token_expires_at: When it expires; `None` if it does not.
        refresh_token: The token to get new tokens with; empty if there is none.
        refresh_token_expires_at: When that token expires.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", strict=True)

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
        is_logged_in: Whether the caller is signed in; this is not sufficient for a protected view.
        user: Who they are.
        type: How they were identified.
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
        """Return an anonymous caller whose credential was refused, with a reason to show them."""
        auth_info = cls()
        auth_info._refusal = reason
        return auth_info

    @property
    def refusal(self) -> str | None:
        """Why the credential of the caller was refused; `None` if there is none or it was accepted."""
        return self._refusal

    def note_unavailable(self, error: HTTPException) -> None:
        """Remember that the provider is unavailable for this caller."""
        self._unavailable = error

    @property
    def unavailable(self) -> HTTPException | None:
        """The error to raise for checks that need the provider while it is unavailable."""
        return self._unavailable


def _unset_if_empty(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _access_type(value: Any) -> Any:
    return _unset_if_empty(value.strip().lower() if isinstance(value, str) else value)


AccessType = Annotated[
    config.GitHubAccessType | Literal["pull", "push", "admin", ""] | None, BeforeValidator(_access_type)
]


class AuthConfig(BaseModel):
    """The permission on a GitHub repository that a view requires.

    Without an access type it grants nothing; of several access types the strongest is required. An empty text
    counts as unset; unknown keys are ignored.

    Attributes:
        github_repository: `organisation/repository`, by default the configured one.
        github_access_type: The required permission.
        github_access_type_read_only: The permission required to read.
        github_access_type_read_write: The permission required to write.
        github_access_type_admin: The permission required to administrate.

    Raises:
        ValueError: The permission is unknown, or the repository is not a valid name.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", validate_assignment=True)

    github_repository: Annotated[
        Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None, BeforeValidator(_unset_if_empty)
    ] = None
    github_access_type: AccessType = None
    github_access_type_read_only: AccessType = None
    github_access_type_read_write: AccessType = None
    github_access_type_admin: AccessType = None


def asked_of(auth_config: AuthConfig) -> config.GitHubAccessType | None:
    """Return the strongest permission that a view requires, `None` if it requires none."""
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
