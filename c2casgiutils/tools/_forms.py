"""The fields of the forms of the views: an unknown one is refused, and each is read as text."""

from collections.abc import Collection, Mapping

from starlette.exceptions import HTTPException

_MAX_NAME_LENGTH = 80


def text(form: Mapping[str, list[str]], name: str) -> str:
    """Return a field without the spaces around it, an empty text if it is missing."""
    return form.get(name, [""])[-1].strip()


def check_fields(form: Mapping[str, list[str]], known: Collection[str]) -> None:
    """Refuse a form with a field that nothing reads, such as one with a typing error.

    Raises:
        HTTPException: 422; it names the field, and those that are known.
    """
    unknown = next((name for name in form if name not in known), None)
    if unknown is not None:
        name = unknown if len(unknown) <= _MAX_NAME_LENGTH else f"{unknown[:_MAX_NAME_LENGTH]}…"
        raise HTTPException(422, f"There is no field “{name}”: accepted are {', '.join(known)}")
