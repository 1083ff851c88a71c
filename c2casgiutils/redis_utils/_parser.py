"""The parser that a `Wire` passes to redis-py."""

from collections.abc import Callable
from typing import Any

from redis.asyncio.connection import DefaultParser
from redis.exceptions import ResponseError

from c2casgiutils.redis_utils._wire import Push, ReplyError


class ServerReplyError(ReplyError, ResponseError):
    """A `ReplyError` that redis-py recognises as one of its own while it connects."""


def create_parser_class(on_received: Callable[[], None]) -> type[Any]:
    """Create the `parser_class` of a connection.

    redis-py returns pushes like replies, and removes the code from most errors. This parser marks pushes, and
    leaves errors as the server sent them.

    Args:
        on_received: Called whenever bytes have arrived, even in the middle of a long reply.
    """

    class WireParser(DefaultParser):  # type: ignore[misc, valid-type]  # the class depends on what is installed
        async def read_from_socket(self) -> Any:
            result = await super().read_from_socket()
            on_received()
            return result

        async def handle_push_response(self, response: list[Any], **_options: Any) -> Push:
            return Push(response)

        @classmethod
        def parse_error(cls, response: str) -> ResponseError:
            return ServerReplyError(response)

    return WireParser
