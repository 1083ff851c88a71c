"""Names whose values must not be shown."""

import functools
import re

_MAX_NAME_LENGTH = 100
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_END = r"(?![a-z])"
# The patterns read names in lower case, with a hyphen between the words.
_NAME = re.compile(
    rf"""
    (?: pass-?wor[dt] | passwd | pass-?phrase | pwd | secret | token | cookie | credential | signature | jwt
      | csrf | xsrf | sess(?:ion)?-?id | (?:api|access|private|auth)-?key
    )s?{_END}
    | (?<![a-z])(?: auth | authorization | session | otp | totp | dsn | dpop ){_END}
    | (?<![a-z])
      (?: subscription | signing | encryption | master | account | shared | storage | license | deploy | ssh
        | functions | service
      )-keys?{_END}
    | [a-z0-9]-pass$
    | (?<![a-z]) c-2-c-follow {_END}
    """,
    re.VERBOSE,
)
# Names of headers, cookies and parameters; elsewhere these are ordinary words.
_SENT_NAME = re.compile(
    rf"""
    ^(?:code|state)$
    | (?<![a-z])
      (?: keys? | pass | pin | sid | sig | nonce | saml\w* | bearer | oidc | assertion | principal | identity
        | authenticat\w+ | (?:client|ssl)-?cert | remote-user | goog-iap
        | forwarded-(?:access|user|email|groups|preferred|tls)
      ){_END}
    """,
    re.VERBOSE,
)
_PARTS = (
    "pass pwd secret token cookie credential signature jwt csrf xsrf sess key auth otp dsn dpop code state"
    " pin sid sig nonce saml bearer oidc assertion principal identity cert remote iap forwarded follow"
)
HINTS = tuple(_PARTS.split())
"""Each text with the name of a secret contains one of these in lower case; they are faster to search for."""
# The end of a name that describes a secret, but is not one: `token_type`, `TokenError`.
_DESCRIPTION = re.compile(
    r"-(?:counts?|types?|names?|length|size|ur[il]|endpoint|path|domain|expir\w+|timeout|ttl|lifetime|limit|status"
    r"|policy|enabled|required|error|exception|warning|middleware|manager|service|handler|provider|store|file|stdin|prompt)$"
    r"|(?<![a-z])(?:by|first|second|last|one|two|single|multi|low|high|band)-pass$"
)


def is_secret_name(name: str, *, sent: bool = False) -> bool:
    """Return whether values with this name must not be shown.

    Args:
        name: Name of a header, parameter, variable or key, in any common spelling (`X-API-Key`, `apiKey`).
        sent: Whether it is a header, cookie, parameter or form field, where `key` and `code` are secrets,
            too.
    """
    return _is_secret(name[-_MAX_NAME_LENGTH:], sent)


def is_plural(name: str) -> bool:
    """Return whether a number with this name is a count."""
    words = _words(name[-_MAX_NAME_LENGTH:])
    return words.endswith("s") and not words.endswith("ss")


@functools.lru_cache(maxsize=2048)
def _is_secret(name: str, sent: bool) -> bool:  # the cache is faster by position
    words = _words(name)
    if _DESCRIPTION.search(words):
        return False
    patterns = (
        (_NAME, _SENT_NAME) if sent or "-" in name else (_NAME,)
    )  # headers contain hyphens, variables do not
    spellings = (words, _words(name.lower()))  # `subscriptionKey` and `SECRETkey`
    return any(pattern.search(spelling) for pattern in patterns for spelling in spellings)


def _words(name: str) -> str:
    return "-".join(_WORD.findall(name)).lower()
