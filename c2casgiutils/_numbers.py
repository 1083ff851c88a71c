"""Validation of numbers that callers pass."""

import sys

_SHOWN_CHARACTERS = 20


def check_seconds(seconds: float, name: str, *, most: float | None = None) -> None:
    """Check that a number of seconds is valid.

    Args:
        seconds: The number.
        name: The name of the argument, for the error.
        most: The largest valid number; by default any finite one.

    Raises:
        ValueError: The number is not finite, negative or too large.
    """
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if is_number and 0 <= seconds <= (sys.float_info.max if most is None else most):
        return
    limits = "0 or more" if most is None else f"from 0 to {most:.0f}"
    shown = str(seconds)[:_SHOWN_CHARACTERS]
    raise ValueError(f"{name} is {shown}; it must be a number of seconds, {limits}")
