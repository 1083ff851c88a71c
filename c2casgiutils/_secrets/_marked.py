"""Named values without a sign between name and value: options of commands, elements, parts of forms."""

import re

from c2casgiutils._secrets._mask import MASK
from c2casgiutils._secrets._names import is_secret_name

# In a query a plus sign stands for each space.
_OPTION = re.compile(r"(?<![\w.%~/-])--?(?P<name>[A-Za-z][\w-]*+)[ \t+]{1,8}(?!-)")
_ARGUMENT = re.compile(
    r"""
    (?! (?: is | was | are | must | may | can | cannot | should | needs? | requires? | has | or | and | not
          | to | in | for | from | with | option | argument
        )(?![\w-]) )  # a sentence about the option
    (?: (?P<quote>\\{0,8}["']) (?P<quoted>(?:(?!(?P=quote))(?:\\.|.))*+)
      | (?P<plain> [^\s"'\\<\[({)\]},;|][^\s"'\\]*+ )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_ELEMENT = re.compile(
    r"(?P<before>(?:<|&lt;)(?P<name>[\w:.-]++)(?:\s[^<>&]{0,200})?(?:>|&gt;)(?:<!\[CDATA\[)?)"
    r"(?:[^<&]|&(?!lt;))++(?=(?:<|&lt;)/)"
)
_LINE_BREAK = r"(?:\r?\n|\\{1,8}r\\{1,8}n|\\{1,8}n)"
_PART = re.compile(
    rf"""(?P<before>\bname=(?P<quote>\\{{0,8}}["'])(?P<name>[^"'\\\s]{{1,100}})(?P=quote)"""
    rf"""(?:{_LINE_BREAK}[\w-]{{1,40}}:[^\r\n\\]{{0,200}}){{0,4}}{_LINE_BREAK}{{2}})"""
    r"(?:[^\r\n\\]|\\++(?![rn\\]))++"
)


def scrub_marked(text: str) -> str:
    """Mask the values after `--password`, in `<password>`, and in the part `name="password"` of a form."""
    if "-" in text:
        text = _scrub_options(text)
    if "</" in text or "&lt;/" in text:
        text = _ELEMENT.sub(_scrub_value, text)
    if "name=" in text:
        text = _PART.sub(_scrub_value, text)
    return text


def _scrub_options(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for option in _OPTION.finditer(text):
        argument = _ARGUMENT.match(text, option.end()) if _is_secret(option["name"]) else None
        if argument is None or option.start() < done:
            continue
        group = "plain" if argument["quote"] is None else "quoted"
        start, end = argument.span(group)
        end = start + len(text[start:end].rstrip(")]"))
        if text[start:end].lower() != option["name"].replace("-", "_").lower():  # `[--password PASSWORD]`
            pieces += (text[done:start], MASK)
            done = end
    return "".join((*pieces, text[done:]))


def _scrub_value(found: re.Match[str]) -> str:
    return f"{found['before']}{MASK}" if _is_secret(found["name"]) else found[0]


def _is_secret(name: str) -> bool:
    return name.lower() == "pass" or is_secret_name(name)
