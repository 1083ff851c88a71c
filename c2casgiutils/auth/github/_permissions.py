"""What a user may do with a repository, asked once and remembered for a short time."""

from typing import Any, NamedTuple

from c2casgiutils import config
from c2casgiutils.auth.github import _client
from c2casgiutils.auth.github._client import GitHubUnavailableError
from c2casgiutils.auth.github._memory import Flights, Memory
from c2casgiutils.config import GitHubAccessType

_WHILE_UNAVAILABLE_SECONDS = 300.0


class Rights(NamedTuple):
    """The permissions of a user on a repository."""

    granted: frozenset[GitHubAccessType]
    is_private: bool

    def include(self, asked: GitHubAccessType) -> bool:
        """Return whether they include `asked`; higher includes lower, public `pull` counts as none."""
        strongest = max((each.strength for each in self.granted), default=-1)
        if strongest < asked.strength:
            return False
        return bool(
            strongest > GitHubAccessType.PULL.strength
            or self.is_private
            or config.settings.auth.github.allow_public_pull
        )


_NONE = Rights(frozenset(), is_private=True)
_known: Memory[Rights] = Memory()
_flights = Flights()


async def rights_of(token: str, repository: str) -> Rights:
    """The rights of the user of a token.

    They are remembered for the time of the settings, while GitHub is unusable up to 5 minutes.

    Raises:
        _client.TokenRefusedError: The token is not valid.
        GitHubUnavailableError: They are not known and GitHub cannot be asked.
    """
    key = (_client.fingerprint(token), repository)
    rights = _known.get(key, config.settings.auth.github.permission_ttl.total_seconds())
    if rights is not None:
        return rights
    try:
        return await _flights.run(key, lambda: _ask(token, repository))
    except GitHubUnavailableError:
        rights = remembered(token, repository)
        if rights is None:
            raise
        return rights


def remembered(token: str, repository: str) -> Rights | None:
    """What was known lately, for when GitHub cannot be asked."""
    return _known.get((_client.fingerprint(token), repository), _WHILE_UNAVAILABLE_SECONDS)


async def _ask(token: str, repository: str) -> Rights:
    answer = await _client.get(f"{config.settings.auth.github.repo_url.rstrip('/')}/{repository}", token)
    rights = _NONE if answer is None else _read(answer)
    return _known.put((_client.fingerprint(token), repository), rights)


def _read(answer: dict[str, Any]) -> Rights:
    permissions = answer.get("permissions")
    given = permissions if isinstance(permissions, dict) else {}
    # anything but a plain yes is a no
    granted = frozenset(each for each in GitHubAccessType if given.get(each.value) is True)
    return Rights(granted, is_private=answer.get("private") is True)


async def aclose() -> None:
    """End what is being asked."""
    await _flights.aclose()


def forget() -> None:
    """Drop what is known."""
    _known.forget()
