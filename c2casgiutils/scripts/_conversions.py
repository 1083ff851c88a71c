"""Conversions of the values of older releases; each raises `ValueError` with what is accepted."""

import math
import re


def boolean(text: str) -> str:
    """Return the boolean that c2cwsgiutils read: only `true`, `t`, `yes` and `1` were true."""
    return str(text.strip().lower() in {"true", "t", "yes", "1"})


def unless_zero(text: str) -> str:
    """Return the boolean of a variable of which anything but `0` was true."""
    return str(text != "0")


def always(_: str) -> str:
    """Return the boolean of a variable of which any value was true."""
    return "True"


def seconds(text: str) -> str:
    """Return seconds as a duration.

    Raises:
        ValueError: The text is not a number of seconds.
    """
    accepted = "must be a number of seconds"
    try:
        number = float(text)
    except ValueError:
        raise ValueError(accepted) from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(accepted)
    return f"{number:.0f}s" if number.is_integer() else f"{number:.6f}".rstrip("0")


def recycling(text: str) -> str:
    """Return the age of a connection; -1 was that of connections that are never replaced.

    Raises:
        ValueError: The text is not a number of seconds.
    """
    return "" if text.strip() == "-1" else seconds(text)


def whole(text: str) -> str:
    """Return a whole number.

    Raises:
        ValueError: The text is none.
    """
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text, re.ASCII):
        raise ValueError("must be a whole number")
    return str(int(text))


def commas(text: str) -> str:
    """Return a list, which may have had other separators, with commas."""
    return ",".join(part for part in re.split(r"[,:\s]+", text) if part)


def redis_url(text: str) -> str:
    """Return the URL with its scheme, which c2cwsgiutils added until release 6."""
    return text if "://" in text else f"redis://{text}"


def database_url(text: str) -> str:
    """Return the URL without a driver that has no async form, so that the default one is taken."""
    return re.sub(r"^(?:postgres|postgresql\+(?:psycopg2|pg8000))://", "postgresql://", text)


OF_BEGINNINGS = (redis_url, database_url)
"""Those that look at the beginning of a value only, so that the rest may refer to other variables."""


def repository_scope(text: str) -> str:
    """Return the word for no scope if the text is empty."""
    return text.strip() or "none"
