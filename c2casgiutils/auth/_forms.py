"""Forms sent by anonymous callers: limited in size, and never an internal error."""

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

_MAX_BYTES = 16 * 1024
_MAX_FIELDS = 10


async def read(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form without files, by name.

    Raises:
        HTTPException: 413 if it is larger than 16 KiB, 400 if it is not a valid form or its sender left.
    """
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BYTES:
                raise HTTPException(413, "The form is too large")
    except ClientDisconnect:  # not a failure of ours, which the server would log
        raise HTTPException(400, "The form is not complete") from None

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, receive).form(max_files=0, max_fields=_MAX_FIELDS)
    except ValueError:
        # the client chooses the charset; some codecs raise other errors for invalid data
        raise HTTPException(400, "The form is not valid in its charset") from None
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        # other charsets decode to lone surrogates, which cannot be encoded in a response
        fields.setdefault(name, []).append(str(value).encode(errors="replace").decode())
    return fields
