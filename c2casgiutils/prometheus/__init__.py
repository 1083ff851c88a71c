"""Prometheus: the metrics port, the registry, and the metrics of requests."""

from c2casgiutils.prometheus._clients import observe_client_request
from c2casgiutils.prometheus._collectors import Collector, register
from c2casgiutils.prometheus._directory import multiprocess_directory
from c2casgiutils.prometheus._port import serving, start, stop
from c2casgiutils.prometheus._present import PresentGauge
from c2casgiutils.prometheus._registry import create_registry, render
from c2casgiutils.prometheus._requests import InFlightMiddleware, instrument
from c2casgiutils.prometheus._state import name_service, requests_in_flight

__all__ = [
    "Collector",
    "InFlightMiddleware",
    "PresentGauge",
    "create_registry",
    "instrument",
    "multiprocess_directory",
    "name_service",
    "observe_client_request",
    "register",
    "render",
    "requests_in_flight",
    "serving",
    "start",
    "stop",
]
