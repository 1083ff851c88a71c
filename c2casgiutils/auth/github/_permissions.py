"""The permissions of a user on a repository, cached for a short time."""

import logging
import math
import re
from typing import Any, NamedTuple

from c2casgiutils import config
from c2casgiutils.auth import _state
from c2casgiutils.auth.github import _client
from c2casgiutils.auth.github._client import GitHubUnavailableError, RateLimitedError
from c2casgiutils.config import GitHubAccessType

_LOGGER = logging.getLogger(__name__)

_WHILE_UNAVAILABLE_SECONDS = 300.0
_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class Rights(NamedTuple):
    """The permissions of a user on a repository."""

    granted: frozenset[GitHubAccessType]
    is_private: bool

    def include(self, asked: GitHubAccessType) -> bool:
        """Return whether a permission is included: by a higher one, too, but not by public `pull`."""
        strongest = max((each.strength for each in self.granted), default=-1)
        if strongest < asked.strength:
            return False
        return bool(
            strongest > GitHubAccessType.PULL.strength
            or self.is_private
            or config.settings.auth.github.allow_public_pull
        )


_NONE = Rights(frozenset(), is_private=True)


async def rights_of(token: str, repository: str) -> Rights:
    """Return the permissions of the user of a token.

    They are cached for the configured time, and while GitHub is unusable for up to 5 minutes; but not for a
    user who exceeds their own rate limit, who could otherwise keep a revoked permission.

    Raises:
        _client.TokenRefusedError: The token is not valid.
        GitHubUnavailableError: They are not cached and GitHub is unavailable.
    """
    github = _state.current().github
    key = (_client.fingerprint(token), repository)
    rights = github.rights.get(key, config.settings.auth.github.permission_ttl.total_seconds())
    if rights is not None:
        return rights
    try:
        return await github.flights.run(("rights", *key), lambda: _ask(token, repository))
    except RateLimitedError:
        raise
    except GitHubUnavailableError:
        rights = remembered(token, repository)
        if rights is None:
            raise
        return rights


def remembered(token: str, repository: str) -> Rights | None:
    """Return the cached permissions, for use while GitHub is unavailable."""
    return _state.current().github.rights.get(
        (_client.fingerprint(token), repository), _WHILE_UNAVAILABLE_SECONDS
    )


async def _ask(token: str, repository: str) -> Rights:
    answer = await _client.get(f"{config.settings.auth.github.repo_url.rstrip('/')}/{repository}", token)
    rights = _NONE if answer is None else _read(answer)
    _note_name(repository, answer or {})
    return _state.current().github.rights.put((_client.fingerprint(token), repository), rights)


def _read(answer: dict[str, Any]) -> Rights:
    permissions = answer.get("permissions")
    given = permissions if isinstance(permissions, dict) else {}
    # only `true` grants a permission
    granted = frozenset(each for each in GitHubAccessType if given.get(each.value) is True)
    return Rights(granted, is_private=answer.get("private") is True)


def _note_name(repository: str, answer: dict[str, Any]) -> None:
    """Log the new name of a renamed repository, once.

    GitHub redirects until someone else takes the former name; their administrators would then be ours.
    """
    name = answer.get("full_name")
    if not isinstance(name, str) or name.lower() == repository.lower() or not _NAME.fullmatch(name):
        return
    names = _state.current().github.names
    if names.get(repository, math.inf) != name:
        names.put(repository, name)
        _LOGGER.warning(
            "The repository %s is now %s: use the new name, in C2C__AUTH__GITHUB__REPOSITORY or where a view"
            " requires it",
            repository,
            name,
        )
