"""Lists of names in sentences."""

from collections.abc import Iterable


def listed(names: Iterable[str], *, most: int) -> str:
    """Return the first names, separated by commas, and how many more there are.

    Args:
        names: The names.
        most: How many are written at most.
    """
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(found[:most])}{more}"
