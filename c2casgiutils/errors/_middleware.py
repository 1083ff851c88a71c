"""The answers to exceptions, inside the other middlewares: those that add headers (CORS) see them."""

import logging

from fastapi import Request, Response
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from c2casgiutils import config, db
from c2casgiutils._secrets import scrub
from c2casgiutils.errors._answers import Answers, phrase_of, text_of
from c2casgiutils.errors._registered import status_of
from c2casgiutils.headers import ErrorMiddleware

_LOGGER = logging.getLogger(__name__)


class UniformErrorMiddleware(ErrorMiddleware):
    """Answers what no exception handler of the application has handled, in the form of this package.

    Faults of the application are raised again, so that the server and Sentry report them.

    Args:
        app: The next application.
        answers: Makes the answers.
    """

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        super().__init__(app)
        self._answers = answers

    async def answer(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """See `ErrorMiddleware.answer`."""
        answer = await self._answer(Request(scope, receive), error)
        if answer is None:
            await super().answer(error, scope, receive, send)
        else:
            await answer(scope, receive, send)

    async def _answer(self, request: Request, error: Exception) -> Response | None:
        """Return the answer to an exception that is no fault of the application, `None` to a fault."""
        status = status_of(error)
        if status is not None:
            return await self._answer_registered(request, error, status)
        if isinstance(error, ClientDisconnect):
            _LOGGER.info("%s %s: the client disconnected", request.method, request.url.path)
            return self._answers.answer(400, "The client disconnected")
        failure = db.failure_of(error)
        if failure is None:
            return None
        log(request, failure.status, error)
        headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
        return self._answers.answer(failure.status, failure.message, headers)

    async def _answer_registered(self, request: Request, error: Exception, status: int) -> Response:
        if status < 500:  # noqa: PLR2004  # HTTP
            _LOGGER.warning("%s %s: %d", request.method, request.url.path, status)
            return self._answers.answer(status, _message_of(error, status))
        log(request, status, error, level=logging.ERROR)
        return await self._answers.answer_fault(request, error, status)


def _message_of(error: Exception, status: int) -> str:
    """Return the text of an exception for everybody; that of a database has the statement and values."""
    failure = db.failure_of(error)
    if failure is not None:
        return failure.message
    if hasattr(error, "statement"):
        return phrase_of(status)
    return scrub(text_of(error), config.secrets_of(config.settings))


def log(request: HTTPConnection, status: int, error: Exception, *, level: int = logging.WARNING) -> None:
    """Log an exception with its traceback, and without the query, which may contain a secret."""
    _LOGGER.log(level, "%s %s: %d", method_of(request), request.url.path, status, exc_info=error)


def method_of(request: HTTPConnection) -> str:
    """Return the method for the log; the handshake of a websocket has none."""
    method: str = request.scope.get("method", "WEBSOCKET")
    return method
