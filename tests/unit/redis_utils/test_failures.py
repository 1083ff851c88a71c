"""Which exceptions mean that Redis failed."""

import pytest
import redis.crc
import redis.exceptions

from c2casgiutils.redis_utils._failures import is_failure

_OF_REDIS_PY = [
    value
    for value in vars(redis.exceptions).values()
    if isinstance(value, type) and issubclass(value, Exception)
]
_MOVED = "1 127.0.0.1:7000"
"""Accepted by every constructor, those that parse a redirection among them."""


@pytest.mark.parametrize(
    "error",
    [
        *(pytest.param(kind(_MOVED), id=kind.__name__) for kind in _OF_REDIS_PY),
        ConnectionResetError(),
        OSError(),
        TimeoutError(),
    ],
)
def test_failures(error: Exception) -> None:
    """All exceptions of redis-py and of the network, those of a cluster among them."""
    assert is_failure(error)


@pytest.mark.parametrize(
    "error", [KeyError(), IndexError(), ValueError(), RuntimeError(), KeyboardInterrupt()]
)
def test_other_errors(error: BaseException) -> None:
    """A fault of our own code is not mistaken for one of Redis, whether it was raised or not."""
    assert not is_failure(error)
    with pytest.raises(type(error)) as raised:
        raise error
    assert not is_failure(raised.value)


def test_a_fault_inside_of_redis_py() -> None:
    """An exception that redis-py did not mean to raise counts as a failure of Redis."""
    with pytest.raises(AttributeError) as raised:
        redis.crc.key_slot(1)  # type: ignore[arg-type]  # wrong on purpose
    assert is_failure(raised.value)
