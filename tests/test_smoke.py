from tests.support.processes import RedisServer


def test_redis(redis_server: RedisServer) -> None:
    assert redis_server.is_up()
