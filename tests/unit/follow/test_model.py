"""The values of follows as other processes store them."""

from typing import Any

import pytest

from c2casgiutils.follow import create_id
from c2casgiutils.follow._model import create_token, digest_of, parse

VALUE = {"digest": digest_of(b"a token"), "level": 60, "logger": "my_app"}


def test_a_value() -> None:
    """Levels above CRITICAL are those that applications register."""
    id_ = create_id()
    follow = parse(id_, VALUE)
    assert (follow.id, follow.level, follow.logger) == (id_, 60, "my_app")
    assert follow.wants("my_app.orders", 60)
    assert not follow.wants("my_app.orders", 50)
    assert not follow.wants("my_application", 60)


BROKEN = {
    "no digest": {"level": 10},
    "short digest": {**VALUE, "digest": "ab"},
    "no level": {**VALUE, "level": 0},
    "level as text": {**VALUE, "level": "10"},
    "long logger": {**VALUE, "logger": "x" * 201},
    "no object": [],
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_value(case: str) -> None:
    """It is refused, in words."""
    value: Any = BROKEN[case]
    with pytest.raises(ValueError, match="not a follow: "):
        parse(create_id(), value)


@pytest.mark.parametrize("id_", ["", "short", "x" * 17, "0123456789abcde\n", "0123456789abcd:f"])
def test_what_is_no_id(id_: str) -> None:
    """It names a key in Redis."""
    with pytest.raises(ValueError, match="16 letters"):
        parse(id_, VALUE)


def test_tokens_and_ids_are_random() -> None:
    """None comes twice."""
    assert len({create_token() for _ in range(1000)}) == 1000
    assert len({create_id() for _ in range(1000)}) == 1000
