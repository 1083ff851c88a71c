"""Which kind of authentication is configured."""

import logging

from c2casgiutils import config
from c2casgiutils.auth._model import AuthenticationType

_LOGGER = logging.getLogger(__name__)

_SHORT_SECRET = 16
_SHORT_KEY = 32


def _is_github_set() -> bool:
    github = config.settings.auth.github
    return bool(github.repository and github.client_id and github.client_secret)


def auth_type() -> AuthenticationType:
    """The kind of authentication that the settings ask for: secret, then test, then GitHub, else none."""
    auth = config.settings.auth
    if auth.secret:
        return AuthenticationType.SECRET
    if auth.test.username:
        return AuthenticationType.TEST
    if _is_github_set():
        return AuthenticationType.GITHUB
    return AuthenticationType.NONE


def is_enabled() -> bool:
    """Return whether anybody can sign in."""
    return auth_type() is not AuthenticationType.NONE


def check_settings() -> None:
    """Refuse settings that cannot work together, warn about those that are dangerous.

    Raises:
        ConfigurationError: Half a GitHub configuration, GitHub without a key for the sessions, or cookies
            that no browser would take.
    """
    config.settings.check()
    keys = [config.settings.auth.jwt.secret, *config.settings.auth.jwt.previous_secrets]
    if any(key and len(key) < _SHORT_KEY for key in keys):
        _LOGGER.warning("C2C__AUTH__JWT__SECRET is short, use %s characters or more", _SHORT_KEY)
    _warn(auth_type())


def _warn(mode: AuthenticationType) -> None:
    others = {
        AuthenticationType.SECRET: bool(config.settings.auth.secret),
        AuthenticationType.TEST: bool(config.settings.auth.test.username),
        AuthenticationType.GITHUB: _is_github_set(),
    }
    ignored = [kind.value for kind, given in others.items() if given and kind is not mode]
    if ignored:
        _LOGGER.warning("Several kinds of authentication are set: %s is used, not %s", mode.value, ignored)
    if mode is AuthenticationType.TEST:
        _LOGGER.warning("C2C__AUTH__TEST__USERNAME is set: everybody is signed in with all rights")
    auth = config.settings.auth
    if mode is AuthenticationType.SECRET and not auth.jwt.secret and len(auth.secret or "") < _SHORT_SECRET:
        _LOGGER.warning(
            "C2C__AUTH__SECRET is short and also makes the key of the sessions: set C2C__AUTH__JWT__SECRET"
        )
    insecure = config.settings.http or not auth.jwt.cookie.secure
    if mode is not AuthenticationType.NONE and insecure and not config.settings.development:
        _LOGGER.warning("Session cookies are not for HTTPS only: for development, not for production")
