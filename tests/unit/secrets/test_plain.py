"""Texts that cannot hold a secret skip the patterns: the patterns would leave them as they are, too."""

from hypothesis import given, settings
from hypothesis import strategies as st

from c2casgiutils._secrets import scrub
from tests.support.secret_texts import HARMLESS, HIDDEN, SECRET, TOKENS

_WORDS = ("password", "token", "code", "user", "42", "hunter2", "aHVudGVyMi1Y", "x")
_SCHEMES = ("Bearer ", "bearer hunter2", "basic ", "BASIC aHVudGVyMi1Y")
_TOKENS = (
    "ghp_",
    "AKIA",
    "eyJ",
    "0123456789AB",
    "0123456789ABCDEF",
    "eyJ01234567..",
    "whsec_0123+0123+0123+0123",
    *TOKENS.values(),
)
_SIGNS = (
    ":",
    "=",
    ",",
    "@",
    "%3D",
    "&",
    "&lt;",
    "<",
    "</",
    ">",
    "->",
    "+",
    "-",
    "--",
    "://",
    " ",
    "\n",
    '"',
    "/",
    "?",
)
_signs = st.lists(st.sampled_from(_SIGNS), min_size=1, max_size=2).map("".join)
_named = st.tuples(_signs | st.just(""), st.sampled_from(_WORDS), _signs, st.sampled_from(_WORDS)).map(
    "".join
)
_others = st.sampled_from(_SCHEMES + _TOKENS) | st.text(max_size=2)
_texts = st.lists(_named | _others, max_size=3).map("".join)


def through_the_patterns(text: str) -> str:
    """Look for a value, too, which is not in the text: no text is skipped then."""
    return scrub(text, values=["\0 in no text"])


@settings(max_examples=500, deadline=None, derandomize=True)
@given(_texts)
def test_any_text(text: str) -> None:
    assert scrub(text) == through_the_patterns(text)


def test_known_texts() -> None:
    texts = [*HARMLESS, *(text.replace(SECRET, "hunter2") for text, _ in HIDDEN.values()), *_SCHEMES]
    parts = [text[start:] for text in texts for start in range(len(text))]
    assert [text for text in parts if scrub(text) != through_the_patterns(text)] == []
