"""What the metrics of this process share; it belongs to no event loop, the port is served by a thread."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from c2casgiutils.prometheus._port import Port


class State:
    """The metrics port, when this process has one, and the requests in flight.

    Attributes:
        lock: Held while the port is opened or closed.
        port: The port that is served, or waited for.
        service: Name of the service in the metrics.
        in_flight: Requests that are being answered, of all applications of the process together.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.port: Port | None = None
        self.service = ""
        self.in_flight = 0


STATE = State()


def requests_in_flight() -> int:
    """Return how many requests are being answered, with `InFlightMiddleware`."""
    return STATE.in_flight


def name_service(name: str) -> None:
    """Name the service in the metrics, so that whoever scrapes a port sees whose it is."""
    STATE.service = name
