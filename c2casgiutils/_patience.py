"""How long one request waits for Redis, all its parts together.

Sign-in, change and record each have a time-out of their own; while Redis does not reply they would add up.
"""

import contextlib
import contextvars
import time
from collections.abc import Iterator

_LEAST_SECONDS = 0.2
"""What a part gets when the others used everything: enough for a Redis that replies."""


class _Patience:
    """What is left."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


_PATIENCE: contextvars.ContextVar[_Patience | None] = contextvars.ContextVar(
    "c2casgiutils_patience", default=None
)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Bound the waiting of everything within.

    Args:
        seconds: For all of it together, but for a short last part.
    """
    token = _PATIENCE.set(_Patience(seconds - _LEAST_SECONDS))
    try:
        yield
    finally:
        _PATIENCE.reset(token)


@contextlib.contextmanager
def waiting(seconds: float) -> Iterator[float]:
    """Return the time-out of one part, and count how long the part takes.

    Args:
        seconds: The time-out without any bound.
    """
    patience = _PATIENCE.get()
    if patience is None:
        yield seconds
        return
    started = time.monotonic()
    try:
        yield min(seconds, max(patience.seconds, _LEAST_SECONDS))
    finally:
        patience.seconds -= time.monotonic() - started
