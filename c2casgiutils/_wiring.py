"""Connects the request tracking, which reads no settings, with the settings and metrics."""

from c2casgiutils import config, prometheus, request_tracking


def wire_request_tracking() -> None:
    """Set the timeout of the clients of `request_tracking` from the settings, and measure their requests."""
    request_tracking.configure(timeout=_client_timeout, observe=prometheus.observe_client_request)


def _client_timeout() -> float:
    return config.settings.request_tracking.default_timeout.total_seconds()
