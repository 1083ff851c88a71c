"""What the request tracking, which reads no settings, is given by the layers above."""

from c2casgiutils import config, prometheus, request_tracking


def wire_request_tracking() -> None:
    """Let the clients of `request_tracking` use the timeout of the settings, and measure their requests."""
    request_tracking.configure(timeout=_client_timeout, observe=prometheus.observe_client_request)


def _client_timeout() -> float:
    return config.settings.request_tracking.default_timeout.total_seconds()
