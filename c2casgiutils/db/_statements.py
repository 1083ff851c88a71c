"""What a statement does to which table: the labels of its duration, and never more of its text."""

import re

_MAX_LENGTH = 10_000
_MAX_DEPTH = 50
_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "CALL", "COPY"})
_OTHER = "other"

# strings first: what looks like a comment in one is text; quoted names are kept
_STRINGS_AND_COMMENTS = re.compile(r"'(?:[^']|'')*(?:'|$)|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_IN_PARENTHESES = re.compile(r"\([^()]*\)")
_NAME = r'"?([A-Za-z_]\w*)"?(?:\."?([A-Za-z_]\w*)"?)?'
_TABLE = re.compile(rf"\b(?:FROM|INTO|UPDATE|COPY)\s+(?:ONLY\s+)?{_NAME}", re.IGNORECASE | re.ASCII)


def verb_and_table(statement: str) -> tuple[str, str]:
    """Return the first word of a statement and the table it names first, `other` for what is not clear.

    The text within parentheses does not count: `FROM` may stand there in `extract(year FROM day)`.

    Args:
        statement: As the driver gets it.
    """
    text = _STRINGS_AND_COMMENTS.sub(" ", statement[:_MAX_LENGTH])
    verb = (text.split(None, 1) or [""])[0].upper()
    if verb not in _VERBS:
        return _OTHER, _OTHER
    for _ in range(_MAX_DEPTH):
        text, longer = _IN_PARENTHESES.sub(" ? ", text), text
        if text == longer:
            break
    match = _TABLE.search(text)
    return verb, (match[2] or match[1]).lower() if match else _OTHER
