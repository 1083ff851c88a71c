"""Which kind of authentication is configured."""

import logging

from c2casgiutils import config
from c2casgiutils.auth.model import AuthenticationType

_LOGGER = logging.getLogger(__name__)

_SHORTEST_KEY = 16
_SHORT_KEY = 32


def _github_parts() -> dict[str, bool]:
    github = config.settings.auth.github
    return {
        "C2C__AUTH__GITHUB__REPOSITORY": bool(github.repository),
        "C2C__AUTH__GITHUB__CLIENT_ID": bool(github.client_id),
        "C2C__AUTH__GITHUB__CLIENT_SECRET": bool(github.client_secret),
    }


def auth_type() -> AuthenticationType:
    """The kind of authentication that the settings ask for: secret, then test, then GitHub, else none."""
    auth = config.settings.auth
    if auth.secret:
        return AuthenticationType.SECRET
    if auth.test.username:
        return AuthenticationType.TEST
    if all(_github_parts().values()):
        return AuthenticationType.GITHUB
    return AuthenticationType.NONE


def is_enabled() -> bool:
    """Whether anybody can sign in."""
    return auth_type() is not AuthenticationType.NONE


def check_settings() -> None:
    """Refuse settings that cannot work, warn about those that are dangerous.

    Raises:
        ValueError: Half a GitHub configuration, a missing or short key for the cookies.
    """
    parts = _github_parts()
    if any(parts.values()) and not all(parts.values()):
        missing = ", ".join(name for name, given in parts.items() if not given)
        raise ValueError(f"{missing}: required as soon as one of {', '.join(parts)} is set")
    mode = auth_type()
    key = config.settings.auth.jwt.secret
    if mode is AuthenticationType.GITHUB and not key:
        raise ValueError("C2C__AUTH__JWT__SECRET: required for the authentication with GitHub")
    for value in [key, *config.settings.auth.jwt.previous_secrets]:
        _check_key(value)
    _warn(mode)


def _check_key(key: str | None) -> None:
    if not key:
        return
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"C2C__AUTH__JWT__SECRET: at least {_SHORTEST_KEY} characters are required")
    if len(key) < _SHORT_KEY:
        _LOGGER.warning("C2C__AUTH__JWT__SECRET is short, use %s characters or more", _SHORT_KEY)


def _warn(mode: AuthenticationType) -> None:
    others = {
        AuthenticationType.SECRET: bool(config.settings.auth.secret),
        AuthenticationType.TEST: bool(config.settings.auth.test.username),
        AuthenticationType.GITHUB: all(_github_parts().values()),
    }
    ignored = [kind.value for kind, given in others.items() if given and kind is not mode]
    if ignored:
        _LOGGER.warning("Several kinds of authentication are set: %s is used, not %s", mode.value, ignored)
    if mode is AuthenticationType.TEST:
        _LOGGER.warning("C2C__AUTH__TEST__USERNAME is set: everybody is signed in with all rights")
