"""Take the values of secrets out of the addresses in a text."""

import re
from urllib.parse import unquote

_NAME = r"(?:[\w.-]*(?:secret|token)|code|state)"
_QUESTION_MARK_OR_AMPERSAND = r"(?:[?&]|%(?:25)*(?:3F|26))"
_PLAIN = re.compile(rf"({_QUESTION_MARK_OR_AMPERSAND}{_NAME}=)[^&\s#]+", re.IGNORECASE | re.ASCII)
_ENCODED = re.compile(
    rf"({_QUESTION_MARK_OR_AMPERSAND}{_NAME}%(?:25)*3D)(?:(?!%(?:25)*(?:26|23))[^&\s#])+",
    re.IGNORECASE | re.ASCII,
)
_DISGUISED = re.compile(r"([?&])([\w.-]{0,100}%[\w.%-]{1,100}=)[^&\s#]+", re.ASCII)
_SECRET_NAME = re.compile(rf"{_NAME}=", re.IGNORECASE | re.ASCII)
_USER = re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^/?#\s@'\"]{1,500}@", re.IGNORECASE)
_GITHUB_TOKEN = re.compile(r"\b(gh[a-z]_|github_pat_)\w{16,255}", re.ASCII)


def redact(text: str) -> str:
    """The text with `***` for the values of `secret`, `token`, `code` and `state` in query strings.

    Names that end so (`access_token`, `client_secret`) count too, in any case, and also in an address that is
    itself a percent-encoded value of another one (`came_from=%2Fpage%3Fsecret%3Dabc`), or where the name is
    encoded. The user of an address (`redis://user:password@host`) and the tokens of GitHub are hidden too.
    """
    if "@" in text:
        text = _USER.sub(r"\1***@", text)
    if "_" in text:
        text = _GITHUB_TOKEN.sub(r"\1***", text)
    if "=" not in text and "%" not in text:
        return text
    text = _DISGUISED.sub(_without_value, text)
    return _ENCODED.sub(r"\1***", _PLAIN.sub(r"\1***", text))


def _without_value(match: re.Match[str]) -> str:
    shown = f"{match[1]}{match[2]}"
    return f"{shown}***" if _SECRET_NAME.fullmatch(unquote(match[2])) else match[0]
