"""The answers: JSON as this library writes it, or problem details (RFC 9457)."""

import json
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.encoders import jsonable_encoder

from c2casgiutils import auth, config
from c2casgiutils._error_bodies import error_body
from c2casgiutils._secrets import scrub

_MAX_STACK_LENGTH = 20_000
"""In characters; the end of a longer traceback names the exception."""


class Answers:
    """Makes the answers of an application.

    Args:
        problem_json: Answer with `application/problem+json` (RFC 9457).
    """

    def __init__(self, *, problem_json: bool) -> None:
        self._is_problem = problem_json

    def answer(
        self, status: int, message: Any, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Response:
        """Return an answer.

        Args:
            status: The status code.
            message: A text, or anything that is JSON.
            headers: Further headers.
            more: Further fields.
        """
        body = error_body(status, message, **more)
        if self._is_problem:
            message = body.pop("message")
            body = {"title": phrase_of(status), "detail": message, **body}
        media_type = "application/problem+json" if self._is_problem else "application/json"
        # ASCII, as texts of clients may contain what has no UTF-8
        return Response(json.dumps(jsonable_encoder(body)), status, headers, media_type)

    async def answer_fault(self, request: Request, error: Exception, status: int = 500) -> Response:
        """Return the answer to a fault of the application."""
        details = await details_of(request, error)
        return self.answer(status, details.pop("message", phrase_of(status)), **details)


async def details_of(request: Request, error: Exception) -> dict[str, Any]:
    """Return the `message` and the `stacktrace` of a fault for those who may see details, else nothing.

    These are callers with the read-only level, and all with `C2C__DEVELOPMENT=True`. Secrets are masked.
    """
    if not (config.settings.development or await auth.may_see_details(request, Response())):
        return {}
    secrets = config.secrets_of(config.settings)
    stack = "".join(traceback.format_exception(error))[-_MAX_STACK_LENGTH:]
    return {
        "message": scrub(text_of(error), secrets),
        "stacktrace": scrub(stack, secrets).splitlines(),
    }


def phrase_of(status: int) -> str:
    """Return the text of a status code (RFC 9110, section 15)."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Error {status}"


def text_of(error: Exception) -> str:
    """Return the text of an exception, its class if it has none."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # the application's code
        return type(error).__name__
