"""Lists of names in sentences."""

import pytest

from c2casgiutils._names import listed


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, ""), (1, "a"), (3, "a, b, c"), (4, "a, b, c and 1 more"), (9, "a, b, c and 6 more")],
)
def test_listed(number: int, text: str) -> None:
    """What is not named is counted."""
    assert listed(iter("abcdefghi"[:number]), most=3) == text
