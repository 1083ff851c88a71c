"""The middleware that answers unhandled exceptions inside others."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils._unhandled import answer_error


class ErrorMiddleware:
    """Answer unhandled exceptions at this place, so that the middlewares around it see the answer.

    Put it inside Starlette's `CORSMiddleware`: without it the answer to an exception has no CORS headers, and
    a page of a named origin cannot read it.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def answer(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception; by default with the handler of the application, which raises it again."""
        await answer_error(error, scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting_start)
        except Exception as error:
            if started:
                raise
            await self.answer(error, scope, receive, send_noting_start)
