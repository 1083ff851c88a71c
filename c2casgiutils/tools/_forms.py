"""The forms of the views: what was entered, what it asks for, and the view with what was refused."""

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Self, TypeVar

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from c2casgiutils import auth
from c2casgiutils.tools import _messages

_MAX_NAME_LENGTH = 80


@dataclasses.dataclass(frozen=True)
class Entered:
    """What somebody entered into a form, as text; shown again when it is refused.

    The form of a view has the fields of its subclass; those that are empty or missing have their defaults.
    """

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the fields that the form may have."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @classmethod
    def of(cls, form: Mapping[str, list[str]]) -> Self:
        """Return the fields of a form."""
        texts = {name: form[name][-1].strip() for name in cls.names() if form.get(name)}
        return cls(**{name: text for name, text in texts.items() if text})


_Form = TypeVar("_Form", bound=Entered)


async def submit(
    request: Request,
    kind: type[_Form],
    act: Callable[[Request, _Form], Awaitable[Response]],
    show: Callable[..., Awaitable[Response]],
    *,
    access: Callable[[auth.AuthInfo, Request, Response], Awaitable[object]] = auth.require_admin_access,
    refused: str = "Not changed.",
) -> Response:
    """Return what a form leads to, or its view again.

    Args:
        request: The form is read only after the authorisation: anonymous callers cannot make us read one.
        kind: Its fields.
        act: Does what it asks for.
        show: Shows the view again, with `entered`, and the `message` and the `status` of the refusal.
        access: Who may send the form.
        refused: The first words about a refusal.
    """
    entered, response = kind(), Response()
    try:
        await access(await auth.get_auth(request, response), request, response)
        form = await auth.forms.read(request)
        entered = kind.of(form)
        _check_fields(form, kind.names())
        return await act(request, entered)
    except (ValidationError, HTTPException) as error:
        message, status = _messages.refusal(error, refused)
        return await show(request, entered=entered, message=message, status=status)


def _check_fields(form: Mapping[str, list[str]], known: Collection[str]) -> None:
    """Refuse a form with a field that nothing reads, such as one with a typing error.

    Raises:
        HTTPException: 422; it names the field, and those that are known.
    """
    unknown = next((name for name in form if name not in known), None)
    if unknown is not None:
        name = unknown if len(unknown) <= _MAX_NAME_LENGTH else f"{unknown[:_MAX_NAME_LENGTH]}…"
        raise HTTPException(422, f"There is no field “{name}”: accepted are {', '.join(known)}")
