"""Recognises the exceptions of a Redis that fails."""


def is_failure(error: BaseException) -> bool:
    """Return whether a Redis client raised an exception because Redis is unreachable, fails or refuses.

    These are the errors of the network, timeouts, and all exceptions of redis-py. Some of the latter are not
    a `RedisError`: in redis-py 8.1 `RedisClusterException`, raised if no node of a cluster is reachable or
    none owns a slot. What redis-py raises by mistake while the nodes of a cluster change, for example a
    `KeyError`, counts, too; the same exception of other code does not.

    Args:
        error: The exception, as caught.
    """
    if isinstance(error, OSError | TimeoutError):
        return True
    return isinstance(error, Exception) and (
        _is_of_redis(type(error).__module__) or _was_raised_in_redis(error)
    )


def _was_raised_in_redis(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and _is_of_redis(trace.tb_frame.f_globals.get("__name__", ""))


def _is_of_redis(module: str) -> bool:
    return module.partition(".")[0] == "redis"
