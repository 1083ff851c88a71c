"""Secrets that are recognised by their form, without a name, and user names in URLs."""

import re

from c2casgiutils._secrets._mask import MASK

_FORMS = re.compile(
    r"""
    (?: (?<![A-Za-z0-9]) | (?<=\\[nrt]) )
    (?: (?P<long>
          gh[a-z]_ | github_pat_                                               # GitHub
        | gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct)- | GR1348941  # GitLab
        | xox[a-z][.-] | xapp-                                                 # Slack
        | AIza | ya29\. | GOCSPX- | 1//0                                       # Google
        | [sr]k_(?:live|test)_                                                 # Stripe
        | hv[sb]\. | SG\. | pypi-AgE
        )[\w.-]{16}[\w.-]*+
      | (?P<plain> npm_ | hf_ | dckr_pat_ | glsa_ | sntry[su]_ | shp[a-z]{2}_ | sk-(?:[a-z]{2,8}-)?
        )[A-Za-z0-9]{20}[\w-]*+
      | (?P<stripe>whsec_)[\w+/=]{16}[\w+/=]*+
      | (?P<aws>A[KSB]IA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])
      | (?P<webhook>hooks\.slack\.com/[a-z]{1,20}/)[\w/-]++
      | (?P<jwt>eyJ)[\w-]{8}[\w-]*+(?:\.[\w-]*+){2,4}                          # and JWE
    )
    """,
    re.VERBOSE | re.ASCII,
)
# Each text with such a secret contains one of these, which are much faster to search for than the pattern.
_STARTS = (
    "gh github_pat_ gl GR1348941 xox xapp- AIza ya29. GOCSPX- 1//0 k_ hv SG. pypi- npm_ hf_ dckr_ sntry shp"
    " sk- whsec_ AKIA ASIA ABIA ACCA hooks.slack.com eyJ"
)
_HINTS = tuple(_STARTS.split())
# So is this, and it is cheaper still.
_LONG_WORD = re.compile(r"[\w./+=-]{13}", re.ASCII)
# In a query a plus sign stands for each space.
_PEM = re.compile(
    r"(-----BEGIN[A-Z0-9 +]{0,40}PRIVATE[ +]KEY[A-Z +]{0,10}-----)"
    r"(?:[^-]|-(?!----END[ +]))*+((?:-----END[A-Z0-9 +]{0,40}-----)?)"
)
_SCHEME = re.compile(
    r"\b((?i:bearer)[\s+]{1,8})(?!(?i:tokens?|authenti\w+|authori\w+|schemes?|headers?|credentials?|secrets?)\b)"
    r"[\w.~+/=-]{6,}+"
    # an ordinary word is not base64
    r"|\b((?i:basic)[\s+]{1,8})(?![A-Za-z]?[a-z]*+(?![\w+/=]))[A-Za-z0-9+/]{8,}+=*+",
    re.ASCII,
)

_NOT_AT_END = r'(?!\\{0,8}"[,:\]}])'
_USER_INFORMATION = re.compile(
    # up to the last @, so that a password may hold one: `redis://:p@ss/word@host`
    # in the same text: `{"url":"redis://me:secret@h","mail":"me@h"}`
    rf"(://)(?:(?=[^\s/?#@]*+@)(?:{_NOT_AT_END}[^\s?#])*@"
    # a slash in the password: what follows the colon is no port
    rf"|(?=[^\s/?#@\[\]:]*+:(?![0-9]*+(?![^\s/?#])))(?:{_NOT_AT_END}[^\s@]){{1,256}}@)"
)
# `curl -u me:secret`, but neither `-u 1000:1000` nor `-u https://host`
_USER_OPTION = re.compile(
    r"""(?<![\w-])(-[uU]|--(?:proxy-)?user)((?:\\{0,8}["'],[ \t]{0,8}|[ \t=]{1,8})(?:\\{0,8}["'])?)"""
    r"""(?![0-9]{1,10}:[0-9]{1,10}(?![^\s"']))([^\s:"'\\-][^\s:"'\\]{0,100}+:)(?!//)[^\s"'\\]++"""
)


def scrub_forms(text: str) -> str:
    """Mask the secrets that are recognised by their form."""
    if "-----BEGIN" in text:
        text = _PEM.sub(rf"\1{MASK}\2", text)
    if _LONG_WORD.search(text) and any(hint in text for hint in _HINTS):
        text = _FORMS.sub(lambda match: f"{match[match.lastgroup or 0]}{MASK}", text)
    if "@" in text:
        text = _USER_INFORMATION.sub(rf"\1{MASK}@", text)
    if ":" in text and "-" in text:
        text = _USER_OPTION.sub(rf"\1\2\3{MASK}", text)
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        text = _SCHEME.sub(lambda match: f"{match[1] or match[2]}{MASK}", text)
    return text
