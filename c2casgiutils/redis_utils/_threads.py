"""A subscription in a thread, which needs no event loop."""

import time
from typing import TYPE_CHECKING, Any

from c2casgiutils import config
from c2casgiutils.redis_utils._clients import get

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection
    from redis.connection import Connection

_CHECK_SECONDS = 5.0
_MESSAGES = frozenset((b"message", b"smessage"))
_OPTIONS = frozenset(
    {
        "client_name",
        "encoding",
        "encoding_errors",
        "password",
        "socket_connect_timeout",
        "socket_keepalive",
        "socket_keepalive_options",
        "socket_read_size",
        "socket_timeout",
        "username",
    }
)
"""The options of the clients that these connections take, beside those of TLS."""


class Subscription:
    """A connection that subscribes to one channel and can publish, for use in one thread.

    Args:
        connection: The connection, not connected yet.
        channel: The channel.
        sharded: Use sharded publish and subscribe (Redis Cluster).
        check_seconds: How long a silence lasts before the server must show that it is alive, in as much time.
    """

    def __init__(
        self,
        connection: "Connection",
        channel: str,
        *,
        sharded: bool = False,
        check_seconds: float = _CHECK_SECONDS,
    ) -> None:
        self._connection: Any = connection
        self._channel = channel
        self._letter = "S" if sharded else ""
        self._check_seconds = check_seconds
        self._heard = 0.0
        self._is_checked = False
        self._is_closed = False

    def open(self) -> None:
        """Connect and subscribe.

        Raises:
            RedisError: Redis is unreachable.
        """
        self._connection.connect()
        self._connection.send_command(f"{self._letter}SUBSCRIBE", self._channel)
        self._heard = time.monotonic()

    def receive(self, seconds: float) -> bytes | None:
        """Return the next message, or `None` if there is none within a time.

        Args:
            seconds: Maximum time to wait.

        Raises:
            RedisError: The connection ended, is silent for too long, or Redis refused a command.
        """
        try:
            item = self._read(min(seconds, self._check_seconds))
        except Exception:
            if self._is_closed:  # then redis-py fails in any way
                raise _connection_error("The subscription is closed") from None
            raise
        if item is None:
            self._check()
            return None
        self._heard, self._is_checked = time.monotonic(), False
        is_message = isinstance(item, list) and item[:1] and item[0] in _MESSAGES
        return item[2] if is_message else None

    def _read(self, seconds: float) -> Any:
        if self._is_closed:  # redis-py would connect again
            raise _connection_error("The subscription is closed")
        if not self._connection.can_read(seconds):
            return None
        return self._connection.read_response(push_request=True)

    def publish(self, channel: str, message: bytes) -> None:
        """Publish a message; its reply comes among the received ones."""
        self._connection.send_command(f"{self._letter}PUBLISH", channel, message)

    def _check(self) -> None:
        """After some time of silence, make sure that the server still answers."""
        silence = time.monotonic() - self._heard
        if silence > 2 * self._check_seconds:
            raise _connection_error("Redis did not reply")
        if silence >= self._check_seconds and not self._is_checked:
            self._is_checked = True
            self._connection.send_command("PING")

    def close(self) -> None:
        """Disconnect; in another thread, this wakes up `receive`."""
        self._is_closed = True
        self._connection.disconnect()


def _connection_error(text: str) -> Exception:
    from redis.exceptions import ConnectionError as RedisConnectionError

    return RedisConnectionError(text)


class Subscriptions:
    """Creates subscriptions for threads, with the options of the clients of the running event loop.

    Each goes to the same server as a connection of the event loop, which knows the master, or the node that
    has the keys of this service.
    """

    def __init__(self) -> None:
        client: Any = get()[0]
        settings = config.settings.redis
        self._sharded = settings.cluster
        is_cluster = settings.cluster and not settings.sentinels
        options = client.connection_kwargs if is_cluster else client.connection_pool.connection_kwargs
        self._options = {
            name: value for name, value in options.items() if name in _OPTIONS or name.startswith("ssl_")
        }

    def create(self, channel: str, like: "AbstractConnection") -> Subscription:
        """Return a subscription, not connected yet.

        Args:
            channel: The channel.
            like: A connected connection of the event loop, to the same server.
        """
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        kind = _class_of(like)
        options = {**self._options, **address_of(like), "protocol": 3, "retry": Retry(NoBackoff(), 0)}
        return Subscription(kind(**options), channel, sharded=self._sharded)


def _class_of(like: object) -> type[Any]:
    import redis.asyncio.connection as of_loops
    from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection

    if isinstance(like, of_loops.UnixDomainSocketConnection):
        return UnixDomainSocketConnection
    return SSLConnection if isinstance(like, of_loops.SSLConnection) else Connection


def address_of(connection: object) -> dict[str, Any]:
    """Return the address of the server of a connection, as its keyword arguments."""
    return {name: getattr(connection, name) for name in ("host", "port", "path") if hasattr(connection, name)}
