"""Clients of httpx that take the current request along to other services."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from c2casgiutils.request_tracking._propagation import headers

if TYPE_CHECKING:
    import httpx

    ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)

_BEGAN = "c2casgiutils_began"
"""Extension of a request of httpx with the time of its start, until its duration is observed."""
_TIMEOUT_SECONDS = 5.0


class Observe(Protocol):
    """Whoever gets the duration of the requests that are sent."""

    def __call__(self, *, method: str, host: str, status: int | None, seconds: float) -> None:
        """Note a request.

        Args:
            method: The method.
            host: The host that was asked, without the port.
            status: The status of the answer, `None` when there was none.
            seconds: The time until the headers of the answer arrived, or until the failure.
        """


class _Defaults:
    """What the layers above say about all clients of the process."""

    def __init__(self) -> None:
        self.timeout: Callable[[], float] = lambda: _TIMEOUT_SECONDS
        self.observe: Observe | None = None


_DEFAULTS = _Defaults()


def configure(*, timeout: Callable[[], float], observe: Observe) -> None:
    """Say how the clients behave, before the first one is used.

    Args:
        timeout: Returns the default timeout in seconds.
        observe: Gets the duration of each request.
    """
    _DEFAULTS.timeout, _DEFAULTS.observe = timeout, observe


def async_client(**arguments: Any) -> "httpx.AsyncClient":
    """Create a client whose requests have the id of the current request, see `instrument`.

    Args:
        arguments: Those of `httpx.AsyncClient`; the default of `timeout` is
            `C2C__REQUEST_TRACKING__DEFAULT_TIMEOUT`.
    """
    import httpx

    return instrument(httpx.AsyncClient(**{"timeout": _DEFAULTS.timeout(), **arguments}))


def client(**arguments: Any) -> "httpx.Client":
    """Create a client as `async_client` does, for code that is not asynchronous."""
    import httpx

    return instrument(httpx.Client(**{"timeout": _DEFAULTS.timeout(), **arguments}))


def instrument(client: "ClientT") -> "ClientT":
    """Let a client add `X-Request-ID` and the trace to its requests, and measure them.

    A header that is there is never replaced. Each request of a redirection counts by itself. Doing it twice
    changes nothing.

    Args:
        client: A `httpx.Client` or `httpx.AsyncClient`.

    Returns:
        The client.
    """
    import httpx

    is_async = isinstance(client, httpx.AsyncClient)
    prepare, observe = (_prepare_async, _observe_async) if is_async else (_prepare, _observe_response)
    hooks: dict[str, list[Any]] = client.event_hooks
    if prepare not in hooks["request"]:
        client.event_hooks = {
            "request": [*hooks["request"], prepare],
            "response": [observe, *hooks["response"]],
        }
        watch: Any = _watch_async if is_async else _watch
        client.send = watch(client.send)  # type: ignore[method-assign]  # no hook sees a failure
    return client


def _prepare(request: "httpx.Request") -> None:
    added = headers()
    if "traceparent" in request.headers:
        added.pop("tracestate", None)  # of another trace
    for name, value in added.items():
        request.headers.setdefault(name, value)
    request.extensions[_BEGAN] = time.perf_counter()


async def _prepare_async(request: "httpx.Request") -> None:
    _prepare(request)


def _observe_response(response: "httpx.Response") -> None:
    _observe(response.request, response.status_code)


async def _observe_async(response: "httpx.Response") -> None:
    _observe_response(response)


def _observe(request: "httpx.Request", status: int | None) -> None:
    began = request.extensions.pop(_BEGAN, None)
    if began is None or _DEFAULTS.observe is None:
        return
    seconds = time.perf_counter() - began
    _DEFAULTS.observe(method=request.method, host=request.url.host, status=status, seconds=seconds)


def _watch(send: Callable[..., "httpx.Response"]) -> Callable[..., "httpx.Response"]:
    def watched(*arguments: Any, **options: Any) -> "httpx.Response":
        with _observing_failure():
            return send(*arguments, **options)

    return watched


def _watch_async(
    send: Callable[..., Awaitable["httpx.Response"]],
) -> Callable[..., Awaitable["httpx.Response"]]:
    async def watched(*arguments: Any, **options: Any) -> "httpx.Response":
        with _observing_failure():
            return await send(*arguments, **options)

    return watched


@contextlib.contextmanager
def _observing_failure() -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.RequestError as error:
        with contextlib.suppress(RuntimeError):  # raised by a hook of the application, it may lack a request
            _observe(error.request, None)
        raise
