"""A request that is being answered, without a server."""

from collections.abc import Iterator
from contextlib import contextmanager

from c2casgiutils.request_tracking import CURRENT, RequestContext


@contextmanager
def current(request: RequestContext) -> Iterator[RequestContext]:
    """Make it the current one."""
    token = CURRENT.set(request)
    try:
        yield request
    finally:
        CURRENT.reset(token)
