"""What higher layers add to the beats, and learn from them."""

import pytest

from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._view import read_id


def test_fields_are_read_and_broken_ones_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """One that fails is logged once, until it works again."""
    numbers: list[float] = []
    hooks = Hooks()
    hooks.register_beat("applied", lambda: 7)
    hooks.register_beat("nothing", lambda: None)
    hooks.register_beat("broken", lambda: 1 / len(numbers))
    for _ in range(3):
        assert hooks.read_fields() == {"applied": 7}
    assert caplog.text.count("Reading broken for the roster failed: division by zero") == 1
    numbers.append(1)
    assert hooks.read_fields() == {"applied": 7, "broken": 1.0}
    assert "Reading broken for the roster works again" in caplog.text


@pytest.mark.parametrize(
    ("reply", "told"),
    [(b"12", [12]), (None, [0]), (b"-1", [0]), (b"x", [0]), (ValueError("NOPERM"), []), (b"", [0])],
)
def test_version_of_the_switches_is_told(reply: object, told: list[int]) -> None:
    """Errors are ignored, other data counts as 0, and a failing callback does not affect others."""
    found: list[int] = []

    def broken(version: int) -> None:
        raise ValueError(version)

    hooks = Hooks()
    for callback in (broken, found.append, found.append):
        hooks.on_version(callback)
    hooks.tell_version(reply)
    assert found == told


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("web-1:12:ab", ("web-1", 12)),
        ("fe80::1:12:ab", ("fe80::1", 12)),
        ("odd", ("odd", None)),
        ("web:x:y", ("web", None)),
        ("", ("", None)),
    ],
)
def test_id_tells_host_and_pid(id_: str, expected: tuple[str, int | None]) -> None:
    assert read_id(id_) == expected
