"""The state shared by the metrics of this process, not per event loop: a thread serves the port."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from c2casgiutils.prometheus._collectors import Collector
    from c2casgiutils.prometheus._port import Port


class State:
    """The metrics port of this process, and the number of requests in flight.

    Attributes:
        lock: Held while the port is opened or closed.
        port: The port that is served or waited for.
        service: Name of the service in the metrics.
        in_flight: Number of requests in progress, of all applications of the process together.
        collectors: The collectors added by `register`.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.port: Port | None = None
        self.service = ""
        self.in_flight = 0
        self.collectors: list[Collector] = []


STATE = State()


def requests_in_flight() -> int:
    """Return the number of requests in progress, counted by `InFlightMiddleware`."""
    return STATE.in_flight


def name_service(name: str) -> None:
    """Set the name of the service in the metrics, so that they show which service a port belongs to."""
    STATE.service = name
