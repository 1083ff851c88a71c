"""What those who must sign in first find again afterwards: the view, its query, and what they entered."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from c2casgiutils import auth
from c2casgiutils.tools._query import MAX_LENGTH
from c2casgiutils.tools._views import View

_MAX_TARGET_LENGTH = 2000
"""A little less than `came_from` may have."""
_OWN_FIELDS = ("secret", "sign_in", "came_from")
"""The fields of the sign-in itself, which do not come back."""
_NOT_DONE = "not_done"
"""The field that says that the others are those of a form that was not done."""


def came_from(request: Request, view: View) -> str:
    """Return the view with its query, relative to the mount; a query that is too long is left out."""
    return _with_fields(view, parse_qsl(request.url.query, keep_blank_values=True)) or view.id


async def keep_entry(request: Request, view: View) -> tuple[str, str | None]:
    """Return where the way in leads to, for a form that was sent without a session or checked rights.

    The fields of the form are added to the query of the view, which fills its form with them.

    Returns:
        The view with the fields, relative to the mount, and what was to be done, empty if that is not known;
        `None` if the fields are too long to be kept.
    """
    without = came_from(request, view)
    try:
        form = await auth.forms.read(request)
    except HTTPException:
        return without, None
    address = [pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] not in form]
    fields = [(name, value) for name, values in form.items() for value in values]
    target = _with_fields(view, [*address, *fields, (_NOT_DONE, "1")])
    if target is None:
        return without, None
    return target, ", ".join(filter(None, _pressed(view, fields)))


def not_done(request: Request, view: View) -> str:
    """Return what is to be done again after the way in, an empty text if no form led to it."""
    fields = request.query_params
    if request.method != "GET" or _NOT_DONE not in fields:
        return ""
    subject, word = _pressed(view, fields.multi_items())
    of = f" of {subject}" if subject else ""
    return f"Press {f'“{word}”{of}' if word else 'the button'} again."


def _pressed(view: View, fields: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return what the pressed button is about, if it stands in a row, and its word; empty if not known."""
    for name, value in fields:
        if name in view.row_buttons:
            argument, _, subject = value[:MAX_LENGTH].partition(" ")
            return subject, view.row_buttons[name](argument)
        if f"{name}={value}" in view.buttons:
            return "", view.buttons[f"{name}={value}"]
    return "", view.buttons.get("", "")


async def without_secret(request: Request, view: View) -> HTMLResponse:
    """Redirect a browser to the view without the secret in its URL, signed in if it is right."""
    redirect = await auth.redirect_without_secret(request, came_from(request, view))
    answer = HTMLResponse(status_code=redirect.status_code)
    answer.raw_headers = redirect.raw_headers
    return answer


def entry(request: Request) -> dict[str, list[str]]:
    """Return the query of a view as the fields of its form, cut as those of `Query`."""
    fields: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        fields.setdefault(name, []).append(value[:MAX_LENGTH])
    return fields


def _with_fields(view: View, fields: list[tuple[str, str]]) -> str | None:
    query = urlencode([(name, value) for name, value in fields if name not in _OWN_FIELDS])
    target = f"{view.id}?{query}" if query else view.id
    return target if len(target) <= _MAX_TARGET_LENGTH else None
