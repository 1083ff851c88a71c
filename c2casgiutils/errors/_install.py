"""Installation in an application."""

import logging
from typing import Any

from fastapi import Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from c2casgiutils import db
from c2casgiutils._error_bodies import INVALID_REQUEST, without_input
from c2casgiutils.errors._answers import Answers
from c2casgiutils.errors._middleware import UniformErrorMiddleware, log, method_of

_LOGGER = logging.getLogger(__name__)
_DEFAULT_HANDLERS = (None, http_exception_handler, request_validation_exception_handler)


def install(app: Starlette, problem_json: bool = False) -> None:
    """Answer errors as `{"message", "status", "request_id"}`, those of databases with what they mean.

    - `HTTPException` keeps its status and headers; answers without a body (204, 304) stay without.
    - A request that is not valid is 422, with a list of `errors` that does not repeat its values.
    - Violated constraints and wrong values of a database are 400, conflicts of transactions and an
      unavailable database 503 with `Retry-After`, cancelled statements 504; the message has neither statement
      nor values.
    - An exception of a class with `errors.register` has the registered status.
    - All others are 500 with a general message. Callers with the read-only level, and all with
      `C2C__DEVELOPMENT=True`, also get its text and a `stacktrace`.

    Exception handlers of the application come first. What adds headers, such as CORS, applies to all answers.

    Args:
        app: The application, before it serves.
        problem_json: Answer with `application/problem+json`, where `detail` is the message (RFC 9457).

    Raises:
        RuntimeError: The application serves already.
        ValueError: It was already called on this application.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("errors.install() must be called before the application serves")
    kinds: set[object] = {entry.cls for entry in app.user_middleware}
    if UniformErrorMiddleware in kinds:
        raise ValueError("errors.install() was already called on this application")
    answers = Answers(problem_json=problem_json)
    handlers = _Handlers(answers)
    _add_handler(app, HTTPException, handlers.answer_http_error)
    _add_handler(app, RequestValidationError, handlers.answer_invalid_request)
    _add_handler(app, Exception, answers.answer_fault)
    # the innermost, whatever was added before or is added later
    app.user_middleware.append(Middleware(UniformErrorMiddleware, answers))


class _Handlers:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def answer_http_error(self, request: Request, error: Any) -> Response:
        """Answer what the application or its router raised."""
        if error.status_code < 400:  # noqa: PLR2004  # HTTP
            return await http_exception_handler(request, error)
        if isinstance(error, db.MaintenanceError):
            _LOGGER.info("%s %s: 503, in maintenance", method_of(request), request.url.path)
        elif error.status_code >= 500:  # noqa: PLR2004  # HTTP
            log(request, error.status_code, error, level=logging.ERROR)
        else:
            level = logging.DEBUG if error.status_code == 401 else logging.WARNING  # noqa: PLR2004  # HTTP
            _LOGGER.log(level, "%s %s: %d", method_of(request), request.url.path, error.status_code)
        return self._answers.answer(error.status_code, error.detail, error.headers)

    async def answer_invalid_request(self, _request: Request, error: Any) -> Response:
        """Answer a request that is not valid, without its values."""
        return self._answers.answer(422, INVALID_REQUEST, errors=without_input(error.errors()))


def _add_handler(app: Starlette, kind: type[Exception], handler: Any) -> None:
    if app.exception_handlers.get(kind) in _DEFAULT_HANDLERS:
        app.add_exception_handler(kind, handler)
