"""Entity tags: who polls gets 304 while nothing changed (RFC 9110, 8.8.3 and 13.1.2)."""

import hashlib

from fastapi import Request


def make(body: bytes) -> str:
    """Return the strong tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(request: Request, tag: str) -> bool:
    """Return whether the client has the body of this tag already."""
    given = request.headers.get("if-none-match", "").split(",")
    return tag in {each.strip().removeprefix("W/") for each in given}
