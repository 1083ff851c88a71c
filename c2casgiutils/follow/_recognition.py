"""Which requests are followed: those that carry a token."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from c2casgiutils.follow._model import Follow, digest_of
from c2casgiutils.request_tracking import current_scope, request_of

HEADER = "X-C2C-Follow"
COOKIE = "c2c_follow"

_HEADER = HEADER.lower().encode()
_COOKIE = COOKIE.encode()
_MAX_TOKENS = 8
"""More in one request are not looked at."""
_KEY = "c2casgiutils.follow"


class Recognition:
    """Finds the follows of the current request; its headers are read with its first record only.

    Args:
        follows: By the digest of their token.
    """

    def __init__(self, follows: Mapping[str, Follow]) -> None:
        self._follows = follows

    def find(self, error: BaseException | None = None) -> tuple[Follow, ...]:
        """Return the follows of the current request, else of the one that ended with an exception."""
        request = request_of(error)
        scope = None if request is None else request.scope
        if scope is None:
            return ()
        known: tuple[Recognition | None, tuple[Follow, ...]] | None = scope.get(_KEY)
        if known is not None and known[0] in (self, None):
            return known[1]
        digests = {digest_of(token): None for token in _tokens(scope)}
        found = tuple(self._follows[digest] for digest in digests if digest in self._follows)
        scope[_KEY] = self, found
        return found


def leave_out() -> None:
    """Never follow the current request."""
    scope = current_scope()
    if scope is not None:
        scope[_KEY] = None, ()


def _tokens(scope: MutableMapping[str, Any]) -> Iterator[bytes]:
    count = 0
    for name, value in scope["headers"]:
        values = [value] if name == _HEADER else _of_cookies(value) if name == b"cookie" else []
        for token in values:
            if count == _MAX_TOKENS:
                return
            count += 1
            yield token.strip()


def _of_cookies(header: bytes) -> list[bytes]:
    pairs = (pair.partition(b"=") for pair in header.split(b";"))
    return [value for name, _, value in pairs if name.strip() == _COOKIE]
