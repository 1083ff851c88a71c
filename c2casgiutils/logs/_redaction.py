"""Take the values of secrets out of the addresses in a text."""

import re

_NAME = r"(?:[\w.-]*(?:secret|token)|code|state)"
_QUESTION_MARK_OR_AMPERSAND = r"(?:[?&]|%(?:25)*(?:3F|26))"
_PLAIN = re.compile(rf"({_QUESTION_MARK_OR_AMPERSAND}{_NAME}=)[^&\s#]+", re.IGNORECASE | re.ASCII)
_ENCODED = re.compile(
    rf"({_QUESTION_MARK_OR_AMPERSAND}{_NAME}%(?:25)*3D)(?:(?!%(?:25)*(?:26|23))[^&\s#])+",
    re.IGNORECASE | re.ASCII,
)


def redact(text: str) -> str:
    """The text with `***` for the values of `secret`, `token`, `code` and `state` in query strings.

    Names that end so (`access_token`, `client_secret`) count too, in any case, and also in an address that is
    itself a percent-encoded value of another one (`came_from=%2Fpage%3Fsecret%3Dabc`).
    """
    if "=" not in text and "%" not in text:
        return text
    return _ENCODED.sub(r"\1***", _PLAIN.sub(r"\1***", text))
