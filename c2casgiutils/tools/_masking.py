"""Hide what proves who the caller is: values of headers, of query parameters, of URLs."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

MASK = "**********"

_SENSITIVE = re.compile(
    r"""
    auth(?!ority$)
    | cookie
    | (?<![a-z])keys?(?![a-z]) | api-?key | apikey
    | token | secret | passw | credential | session | signature | (?<![a-z])sig(?![a-z]) | nonce | csrf
    | xsrf | otp(?![a-z])
    | jwt | saml | bearer | oidc | assertion | principal | identity | client-cert | clientcert
    | forwarded-(access|user|email|groups|preferred|tls) | remote-user | x-goog-iap | ms-client-principal
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SENSITIVE_PARAMETERS = re.compile(r"^(code|state)$", re.IGNORECASE)


def is_sensitive(name: str) -> bool:
    """Tell whether the value of a header or parameter of this name must not be shown."""
    return _SENSITIVE.search(name.replace("_", "-")) is not None


def masked(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the names and values with the sensitive values replaced."""
    return [(name, MASK if _hide(name) else value) for name, value in items]


def masked_url(url: str) -> str:
    """Return the URL without its user information and with sensitive query values replaced."""
    parts = urlsplit(url)
    query = "&".join(
        f"{quote(name)}={quote(value, safe='*')}"
        for name, value in masked(parse_qsl(parts.query, keep_blank_values=True))
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _hide(name: str) -> bool:
    return is_sensitive(name) or _SENSITIVE_PARAMETERS.match(name) is not None
