"""The check of a certificate."""

import asyncio
import datetime
import math
import ssl
import urllib.parse

from c2casgiutils.health_checks._model import Check, JsonCheckError, Result


class Certificate(Check):
    """Passes if the certificate of a URL is valid and does not expire soon.

    It proves that the chain and the host name are trusted here, and when the certificate expires. It does not
    prove that other clients trust the same authorities, nor that the certificate is not revoked.

    Args:
        url: An https URL, or `host:port`.
        days: Fail if the certificate expires within this time.
        tags: Tags to select the check by.
        context: How certificates are verified; by default with the authorities of the system.
    """

    def __init__(
        self,
        url: str,
        days: float = 14,
        tags: list[str] | None = None,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tags)
        parts = urllib.parse.urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("Certificate takes an https URL or host:port")
        if not 0 <= days < math.inf:
            raise ValueError(f"Certificate takes a number of days, 0 or more, got {days}")
        self.host: str = parts.hostname
        self.port: int = parts.port or 443
        self.days = days
        self._context = context

    async def check(self) -> Result:
        """Perform the TLS handshake and read the expiry date."""
        if self._context is None:
            self._context = await self.in_thread(ssl.create_default_context)
        self.doing: str | None = "waiting for the handshake"
        _, writer = await asyncio.open_connection(self.host, self.port, ssl=self._context)
        try:
            certificate = writer.get_extra_info("peercert")
        finally:
            writer.transport.abort()
        end = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), datetime.UTC)
        left = (end - datetime.datetime.now(datetime.UTC)) / datetime.timedelta(days=1)
        payload = {"host": self.host, "not_after": end.isoformat(), "days_left": round(left, 2)}
        if left < self.days:
            raise JsonCheckError(f"The certificate expires in {left:.1f} days", payload)
        return Result(payload=payload)
