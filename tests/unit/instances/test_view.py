"""What is known about the other processes, and when it is read again."""

import pytest

from c2casgiutils.instances import View


@pytest.mark.parametrize(
    ("is_whole", "token", "now", "expected"),
    [
        (True, "a", 1000.0, False),
        (True, "b", 100.1, True),
        (False, "a", 100.9, False),
        (False, "a", 101.1, True),
        (False, "b", 100.1, True),
        (False, "a", 50.0, True),
    ],
)
def test_members_are_read_again(is_whole: bool, token: str, now: float, expected: bool) -> None:
    """With each new token, and once a second while an entry was left out, also if the clock goes back."""
    assert View("a", (), {}, 100.0, is_whole=is_whole).is_due(token, now) is expected
