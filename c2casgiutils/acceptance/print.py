"""Tests of a MapFish Print server, version 3: https://mapfish.github.io/mapfish-print-doc/api.html."""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from c2casgiutils.acceptance.connection import CacheExpected, Connection
from c2casgiutils.acceptance.utils import retry_timeout

__all__ = ["PrintConnection"]

_POLL_SECONDS = 0.5


class PrintConnection(Connection):
    """A `Connection` to a MapFish Print server.

    Args:
        base_url: Where `apps.json` is, as `http://localhost:8080/print/print`.
        origin: As for `Connection`.
        client_options: As for `Connection`, as `headers={"Referer": "https://www.example.com/"}`.
    """

    def __init__(self, base_url: str, origin: str | None = None, **client_options: Any) -> None:
        super().__init__(base_url, origin, cache_expected=CacheExpected.DONT_CARE, **client_options)

    def wait_ready(self, timeout: float = 60, app: str | None = None) -> None:
        """Wait until the server, or one of its applications, answers.

        Args:
            timeout: Seconds.
            app: The name of the application.

        Raises:
            AssertionError: It does not in time; the message has the last answer or error.
        """
        retry_timeout(lambda: self.get_apps() if app is None else self.get_capabilities(app), timeout)

    def get_apps(self) -> list[str]:
        """Return the names of the applications."""
        apps: list[str] = self.get_json("/apps.json")
        return apps

    def get_capabilities(self, app: str) -> dict[str, Any]:
        """Return the layouts and formats of an application."""
        capabilities: dict[str, Any] = self.get_json(f"/{quote(app, safe='')}/capabilities.json")
        return capabilities

    def get_example_requests(self, app: str) -> dict[str, Any]:
        """Return the example requests of an application by name."""
        examples: dict[str, Any] = self.get_json(f"/{quote(app, safe='')}/exampleRequest.json")
        return {name: json.loads(text) if isinstance(text, str) else text for name, text in examples.items()}

    def get_pdf(self, app: str, request: Mapping[str, Any], timeout: float = 60) -> bytes:
        """Create a report, wait for it, and return the PDF.

        Args:
            app: The name of the application.
            request: What to print.
            timeout: Seconds.

        Raises:
            AssertionError: It fails, is not finished in time, or is not a PDF.
        """
        created = self.post_json(f"/{quote(app, safe='')}/report.pdf", request)
        reference = quote(created["ref"], safe="")
        end = time.monotonic() + timeout
        while not (status := self.get_json(f"/status/{reference}.json"))["done"]:
            if time.monotonic() > end:
                raise AssertionError(f"The report of {app} is not finished within {timeout} s: {status}")
            time.sleep(_POLL_SECONDS)
        if status["status"] != "finished":
            raise AssertionError(f"The report of {app} failed: {status}")
        response = self.get_raw(f"/report/{reference}")
        media_type = response.headers.get("content-type", "")
        if not media_type.startswith("application/pdf") or not response.content.startswith(b"%PDF-"):
            raise AssertionError(f"The report of {app} is not a PDF: Content-Type is {media_type!r}")
        return response.content
