"""A subscription in a thread."""

import threading
import time
from typing import Any

import pytest
from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from c2casgiutils.redis_utils import Subscription
from tests.support.processes import RedisServer


def subscribe(server: RedisServer, *, check_seconds: float = 5, username: str | None = None) -> Subscription:
    make: Any = Connection
    connection = make(port=server.port, protocol=3, username=username, password=username)
    subscription = Subscription(connection, "news", check_seconds=check_seconds)
    subscription.open()
    return subscription


def receive(subscription: Subscription, *, seconds: float = 10) -> bytes | None:
    """The next message."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        message = subscription.receive(left)
        if message is not None:
            return message
    return None


def test_messages(redis_server: RedisServer) -> None:
    """It receives what is published on its channel, and publishes over the same connection."""
    subscription = subscribe(redis_server)
    subscription.publish("other", b"not for me")
    subscription.publish("news", b"\xff\n1")
    assert receive(subscription) == b"\xff\n1"
    assert receive(subscription, seconds=0.1) is None
    subscription.close()


def test_silence_is_no_failure(redis_server: RedisServer) -> None:
    """A server without news is asked whether it is alive, and the subscription goes on."""
    subscription = subscribe(redis_server, check_seconds=0.1)
    assert receive(subscription, seconds=1) is None
    subscription.publish("news", b"1")
    assert receive(subscription) == b"1"
    subscription.close()


def test_a_server_that_does_not_reply() -> None:
    """A server that is connected but does not reply ends the subscription."""
    with RedisServer() as server:
        subscription = subscribe(server, check_seconds=0.2)
        assert receive(subscription, seconds=0.1) is None
        server.pause()
        try:
            with pytest.raises(RedisConnectionError, match="did not reply"):
                receive(subscription)
        finally:
            server.resume()
        subscription.close()


def test_refusal(redis_server: RedisServer) -> None:
    """A user who may not use the channel gets the error of Redis."""
    with redis_server.client() as client:
        client.acl_setuser("limited", enabled=True, passwords=["+limited"], commands=["+@all"])
    subscription = subscribe(redis_server, username="limited")
    with pytest.raises(ResponseError, match="channel"):
        receive(subscription)
    subscription.close()


def test_close_wakes_up(redis_server: RedisServer) -> None:
    """Another thread that closes it ends the wait for a message."""
    subscription = subscribe(redis_server, check_seconds=60)
    threading.Timer(0.3, subscription.close).start()
    began = time.monotonic()
    assert subscription.receive(5) is None  # the confirmation
    with pytest.raises(RedisConnectionError, match="closed"):
        subscription.receive(30)
    assert time.monotonic() - began < 30
