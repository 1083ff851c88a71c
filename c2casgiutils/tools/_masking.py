"""Hide what proves who the caller is: values of headers, of query parameters, of URLs."""

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

from c2casgiutils.config import MASK

_SENSITIVE = re.compile(
    r"""
    auth(?!ority$)
    | cookie
    | (?<![a-z])keys?(?![a-z]) | api-?key | apikey
    | passw | passphrase | (?<![a-z])pass(?![a-z]) | pwd | (?<![a-z])pin(?![a-z]) | dpop
    | token | secret | credential | session | signature | (?<![a-z])sig(?![a-z]) | nonce | csrf
    | xsrf | otp(?![a-z])
    | jwt | saml | bearer | oidc | assertion | principal | identity | client-?cert | ssl-cert
    | forwarded-(access|user|email|groups|preferred|tls) | remote-user | x-goog-iap | ms-client-principal
    """,
    re.VERBOSE | re.IGNORECASE,
)
_USER_INFORMATION = re.compile(r"//[^/?#@\s]*@")
_PARAMETER = re.compile(r"([?&;])([^=&;?#\s]{1,200})=[^&;#\s]*")
# of an address that is itself a value of another one, encoded once or more
_ENCODED_PARAMETER = re.compile(
    r"(%(?:25){0,4}(?:3F|26|3B))([\w.-]{1,200})(%(?:25){0,4}3D)(?:(?!%(?:25){0,4}(?:26|3B|23))[^&;#\s])*",
    re.IGNORECASE,
)
_SENSITIVE_PARAMETERS = re.compile(r"^(code|state)$", re.IGNORECASE)


def is_sensitive(name: str) -> bool:
    """Return whether the value of a header or parameter of this name must not be shown."""
    return _SENSITIVE.search(name.replace("_", "-")) is not None


def masked(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return names and values with the sensitive values replaced, also in the URLs of others (`Referer`)."""
    return [(name, MASK if _hide(name) else masked_url(value)) for name, value in items]


def masked_url(text: str) -> str:
    """Return a text with the user information and the sensitive query values of its URLs replaced.

    Not parsed as a URL: what a hostile `Host` makes of one is none, and is shown all the same.
    """
    text = _USER_INFORMATION.sub("//", text)
    text = _ENCODED_PARAMETER.sub(
        lambda match: f"{match[1]}{match[2]}{match[3]}{MASK}" if _hide(match[2]) else match[0], text
    )
    return _PARAMETER.sub(
        lambda match: f"{match[1]}{match[2]}={MASK}" if _hide(unquote_plus(match[2])) else match[0], text
    )


def _hide(name: str) -> bool:
    return is_sensitive(name) or _SENSITIVE_PARAMETERS.match(name) is not None
