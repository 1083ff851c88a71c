"""Forms from anonymous callers: limited in size, and never an internal error."""

from fastapi import HTTPException, Request
from starlette.types import Message

_MAX_BYTES = 16 * 1024
_MAX_FIELDS = 10


async def read(request: Request) -> dict[str, list[str]]:
    """Read the fields of a form without files, by name.

    Raises:
        HTTPException: 413 for more than 16 KiB, 400 for what is no such form.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise HTTPException(413, "The form is too large")

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, receive).form(max_files=0, max_fields=_MAX_FIELDS)
    except ValueError:
        # the client names the charset: some of them refuse what they cannot decode in a way of their own
        raise HTTPException(400, "The form is not valid in its charset") from None
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        # other charsets decode to halves of characters, which fit into no answer
        fields.setdefault(name, []).append(str(value).encode(errors="replace").decode())
    return fields
