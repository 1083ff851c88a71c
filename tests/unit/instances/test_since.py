"""When a trouble began, as far as looks at it tell."""

import pytest

from c2casgiutils.instances._since import Since, first


def after(*looks: tuple[float, bool], is_on: bool = False) -> Since:
    """A trouble after looks at these times; looks at most 10 s apart tell when it began."""
    trouble = Since(10, is_on=is_on)
    for now, seen in looks:
        trouble.note(now, is_on=seen)
    return trouble


@pytest.mark.parametrize(
    ("looks", "at"),
    [
        pytest.param([(1, False)], None, id="it is not there"),
        pytest.param([(1, True)], None, id="there before the first look"),
        pytest.param([(1, False), (5, True)], 5, id="it came between two looks"),
        pytest.param([(1, False), (5, True), (99, True)], 5, id="it is still there"),
        pytest.param([(1, False), (12, True)], None, id="nobody looked for long"),
        pytest.param([(1, False), (12, True), (13, True)], None, id="still not known"),
        pytest.param([(1, False), (5, True), (6, False)], None, id="it ended"),
        pytest.param([(1, False), (5, True), (6, False), (7, True)], 7, id="it came again"),
    ],
)
def test_when_it_began(looks: list[tuple[float, bool]], at: float | None) -> None:
    assert after(*looks).at == at


def test_there_from_the_start() -> None:
    """What is assumed until the first look has no beginning."""
    assert after((1, True), is_on=True).at is None


def test_the_first_of_several() -> None:
    """It is not known while that of one is not known; those that are not there do not count."""
    early, late = after((1, False), (2, True)), after((1, False), (5, True))
    unknown, none = after((1, True)), after((1, False))
    assert first(late, early, none) == 2
    assert first(late, unknown) is None
    assert first(none) is None
