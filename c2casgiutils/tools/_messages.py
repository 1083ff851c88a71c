"""What the pages say of an action or a sign-in: what was done, what was refused, and what is kept."""

import dataclasses

from fastapi import Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from c2casgiutils.tools._caller import Caller


@dataclasses.dataclass(frozen=True)
class Message:
    """The result of the visitor's last action; `state` is `pass`, `warn` or `fail`."""

    state: str
    title: str
    text: str


def refusal(error: ValidationError | HTTPException, title: str = "Not changed.") -> tuple[Message, int]:
    """Return why a form was refused, and the status of the answer."""
    if isinstance(error, HTTPException):
        return Message("fail", title, f"{error.detail}."), error.status_code
    reasons = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
    return Message("fail", title, f"{reasons}."), 422


_SIGN_IN_ERRORS = {
    "wrong": Message("fail", "Wrong secret.", "Check it and try again."),
    "lost": Message(
        "fail",
        "The browser did not keep the session.",
        "Its cookie is for HTTPS only: use HTTPS, or set C2C__HTTP=True for development.",
    ),
    "prefix": Message(
        "fail",
        "The browser does not send the session back.",
        "A proxy strips the start of the path: let the proxy send X-Forwarded-Prefix, and set "
        "C2C__PROXY_HEADERS__TYPE=x-forwarded and C2C__PROXY_HEADERS__APPLY_PREFIX=True.",
    ),
    "name": Message(
        "fail",
        "This name cannot be used.",
        "It may have at most 80 printable characters, and must not contain the secret.",
    ),
    "throttled": Message("fail", "Too many wrong secrets.", "Wait a minute, then try again."),
}
_ENDED = "Your session ended."


def session_ended(kept: str | None) -> Message:
    """Return that a form came after the end of the session.

    Args:
        kept: What was entered; `None` if it is too long to be kept.
    """
    if kept is None:
        return Message("warn", _ENDED, "Sign in again. Your entry is too long to be kept.")
    return Message("warn", _ENDED, f"Sign in again: your entry{f' ({kept})' if kept else ''} is kept.")


def sign_in_error(request: Request, caller: Caller) -> Message | None:
    """Return why the last attempt to sign in failed, `None` if there was none."""
    if caller.info.refusal is not None:
        return Message("fail", f"{caller.info.refusal}.", "")
    return _SIGN_IN_ERRORS.get(request.query_params.get("sign_in", ""))
