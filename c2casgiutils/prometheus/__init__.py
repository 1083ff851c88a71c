"""Prometheus: the metrics port, what a scrape shows, and the metrics of requests."""

from c2casgiutils.prometheus._port import start, stop
from c2casgiutils.prometheus._registry import create_registry, render
from c2casgiutils.prometheus._requests import InFlightMiddleware, instrument
from c2casgiutils.prometheus._state import requests_in_flight

__all__ = [
    "InFlightMiddleware",
    "create_registry",
    "instrument",
    "render",
    "requests_in_flight",
    "start",
    "stop",
]
