"""The middleware that gives every response its security headers."""

import logging
import re
import secrets
from collections.abc import Awaitable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils._asgi import RESPONSE_START
from c2casgiutils.headers._defaults import DEFAULT_HEADERS_CONFIG
from c2casgiutils.headers._errors import answer_error
from c2casgiutils.headers._matchers import HeaderMatcher, compile_matcher
from c2casgiutils.headers._rules import Rules

_LOGGER = logging.getLogger(__name__)

_NONCE_BYTES = 18
_SHARED_CACHE = re.compile(rb"\b(public|s-maxage)\b", re.IGNORECASE)


class ArmorHeaderMiddleware:
    """Give every response security headers, the answers to unhandled exceptions included.

    The most specific wins: a matcher of `headers_config`, then a header that the endpoint set, then the
    library's default set. Nothing is doubled, nothing is buffered.

    Args:
        app: The application.
        headers_config: Matchers by name. One with the name of a default one does not replace it: both apply.
        use_default: Whether `DEFAULT_HEADERS_CONFIG` applies too.

    Raises:
        TypeError: A matcher or a value has a type that is not accepted.
        ValueError: A regex, status, method, header name or value is wrong. The message names the matcher.
    """

    def __init__(
        self,
        app: ASGIApp,
        headers_config: Mapping[str, HeaderMatcher] | None = None,
        use_default: bool = True,
    ) -> None:
        if headers_config is not None and not isinstance(headers_config, Mapping):
            raise TypeError(f"headers_config must be a dict, not {type(headers_config).__name__}")
        self.app = app
        matchers = [
            *(DEFAULT_HEADERS_CONFIG.items() if use_default else ()),
            *(headers_config or {}).items(),
        ]
        self._rules = Rules([compile_matcher(name, matcher) for name, matcher in matchers])
        self._warned_of_cached_nonce = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        start = RESPONSE_START.get(scope["type"])
        if start is None:
            await self.app(scope, receive, send)
            return

        # The scope is shared with the routes below, which change it.
        path = scope["path"]
        root_path = scope.get("root_path", "")
        nonce = self._make_nonce(scope) if self._rules.with_nonce else None
        started = False

        def send_with_headers(message: Message) -> Awaitable[None]:
            nonlocal started
            if message["type"] == start:
                started = True
                message = self._edit(message, scope, path, root_path, nonce)
            return send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await answer_error(error, scope, receive, send_with_headers)

    def _edit(self, message: Message, scope: Scope, path: str, root_path: str, nonce: str | None) -> Message:
        """Give the start message with the headers that the rules ask for."""
        rules = self._rules
        headers = message.get("headers", ())
        present = {name.lower(): value for name, value in headers}
        mask = self._request_mask(scope)
        if rules.content_types is not None:
            mask &= rules.content_types[present.get(b"content-type", b"")]
        if rules.statuses is not None:
            mask &= rules.statuses[message["status"]]
        if mask & rules.with_path:
            mask = rules.paths(path, root_path, mask)
        plan = rules.plan(mask)
        if plan.has_nonce:
            self._warn_of_cached_nonce(present.get(b"cache-control", b""))
            plan = plan.with_nonce(nonce or _set_nonce(scope))
        if plan.names.isdisjoint(present):
            return {**message, "headers": [*headers, *plan.added]}
        return {**message, "headers": plan.edit(headers)}

    def _request_mask(self, scope: Scope) -> int:
        """Give the rules that host and method of the request let through."""
        rules = self._rules
        mask = rules.all
        if rules.netlocs is not None:
            for name, value in scope["headers"]:
                if name == b"host":
                    mask &= rules.netlocs[value]
                    break
            else:
                mask &= rules.netlocs[_server_netloc(scope)]
        if rules.methods is not None:
            mask &= rules.methods[scope.get("method", "GET")]
        return mask

    def _make_nonce(self, scope: Scope) -> str | None:
        """Make a nonce if a rule could ask for one, as far as the request tells."""
        rules = self._rules
        mask = self._request_mask(scope) & rules.with_nonce
        if mask & rules.with_path:
            mask = rules.paths(scope["path"], scope.get("root_path", ""), mask)
        return _set_nonce(scope) if mask else None

    def _warn_of_cached_nonce(self, cache_control: bytes) -> None:
        if _SHARED_CACHE.search(cache_control) and not self._warned_of_cached_nonce:
            self._warned_of_cached_nonce = True
            _LOGGER.warning(
                "A response with a nonce may be kept by shared caches (Cache-Control: %s): "
                "all its readers get the same nonce",
                cache_control.decode("latin-1"),
            )


def _set_nonce(scope: Scope) -> str:
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    scope.setdefault("state", {})["nonce"] = nonce
    return nonce


def _server_netloc(scope: Scope) -> bytes:
    """Give `host[:port]` of a request without a Host header."""
    host, port = scope.get("server") or ("", None)
    host = f"[{host}]" if ":" in host else host
    return (f"{host}:{port}" if port else host).encode("latin-1", "replace")
