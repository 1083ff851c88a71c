"""Read your own writes: after a write a client reads from the primary for some time, by a signed cookie."""

import datetime
import hashlib
import hmac
import math
import time
from typing import Any

from starlette.requests import HTTPConnection

from c2casgiutils import config
from c2casgiutils._asgi import PendingCookies
from c2casgiutils.db._errors import DatabaseConfigurationError

_SCOPE_KEY = "c2casgiutils.db._sticky"
_CLOCK_LEEWAY_SECONDS = 5


class StickyMiddleware(PendingCookies):
    """Set the cookies of the requests that wrote; `c2casgiutils.startup` adds it where it is needed.

    Args:
        app: The application.
    """

    key = _SCOPE_KEY


class Sticky:
    """The cookie of one database: until when its bearer reads from the primary.

    Args:
        name: Of the database.
        duration: How long after a write.

    Raises:
        DatabaseConfigurationError: There is no key, or the duration is not positive.
    """

    def __init__(self, name: str, duration: datetime.timedelta) -> None:
        if duration <= datetime.timedelta():
            raise DatabaseConfigurationError("sticky: must be longer than zero")
        if not config.settings.auth.jwt.secret:
            raise DatabaseConfigurationError("sticky: needs C2C__AUTH__JWT__SECRET, which signs its cookie")
        self._cookie = f"c2c-db-{name}"
        self._seconds = duration.total_seconds()

    def has_written(self, connection: HTTPConnection) -> bool:
        """Return whether the client wrote so short a time ago that it must read from the primary."""
        value = connection.cookies.get(self._cookie, "")
        end, _, signature = value.partition(".")
        if not end.isascii() or not end.isdecimal() or len(end) > len(str(2**53)):
            return False
        if not 0 < int(end) - time.time() <= math.ceil(self._seconds) + _CLOCK_LEEWAY_SECONDS:
            return False
        jwt = config.settings.auth.jwt
        secrets = [secret for secret in (jwt.secret, *jwt.previous_secrets) if secret]
        return any(
            hmac.compare_digest(self._sign(end, secret), signature.encode("utf-8", "replace"))
            for secret in secrets
        )

    def require_middleware(self, scope: Any) -> None:
        """Refuse to serve a request whose cookie would be lost.

        Raises:
            DatabaseConfigurationError: The middleware is missing.
        """
        if scope["type"] == "http" and _SCOPE_KEY not in scope:
            raise DatabaseConfigurationError(
                "sticky: the application lacks db.StickyMiddleware, which c2casgiutils.startup(app) adds"
            )

    def note_write(self, scope: Any) -> None:
        """Have the answer set the cookie; a websocket has no answer that could."""
        cookies = scope.get(_SCOPE_KEY)
        if cookies is None:
            return
        end = str(math.ceil(time.time() + self._seconds))
        value = f"{end}.{self._sign(end, config.settings.auth.jwt.secret or '').decode()}"
        secure = "" if config.settings.http else "; Secure"
        attributes = f"HttpOnly; Max-Age={math.ceil(self._seconds)}; Path=/; SameSite=lax{secure}"
        start = f"{self._cookie}="
        others = [cookie for cookie in cookies if not cookie.startswith(start)]
        cookies[:] = [*others, f"{start}{value}; {attributes}"]

    def _sign(self, end: str, secret: str) -> bytes:
        key = hmac.digest(secret.encode(), b"c2casgiutils/db/sticky", hashlib.sha256)
        return hmac.digest(key, f"{self._cookie}={end}".encode(), hashlib.sha256).hex().encode()
