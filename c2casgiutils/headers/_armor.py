"""The middleware that adds security headers to every response."""

import logging
import re
import secrets
from collections.abc import Awaitable, Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2casgiutils._asgi import (
    RawHeaders,
    edit_headers_at_start,
    final_headers,
    get_header,
    observe_lifespan,
    path_inside,
)
from c2casgiutils._unhandled import answer_error
from c2casgiutils.headers._defaults import DEFAULT_HEADERS_CONFIG
from c2casgiutils.headers._matchers import HeaderMatcher, compile_matcher
from c2casgiutils.headers._rules import TOUCHED, Rules

_LOGGER = logging.getLogger(__name__)

_NONCE = "c2casgiutils.nonce"
_NONCE_BYTES = 18
_SHARED_CACHE = re.compile(rb"\b(public|s-maxage)\b", re.IGNORECASE)


class ArmorHeaderMiddleware:
    """Add security headers to every response, including those to unhandled exceptions.

    The most specific value takes precedence: that of a matcher in `headers_config`, then one set by the
    endpoint, then the library's defaults. The caching headers and the policies of the mounted application are
    final, and no matcher lets shared caches keep a response with a cookie. No header is duplicated, and
    nothing is buffered.

    Args:
        app: The application.
        headers_config: Matchers by name. One with the name of a default matcher does not replace it: both
            apply.
        use_default: Whether `DEFAULT_HEADERS_CONFIG` applies too.

    Raises:
        TypeError: A matcher or a value has an unsupported type.
        ValueError: A regex, status, method, header name or value is invalid. The message names the matcher.
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
        default = DEFAULT_HEADERS_CONFIG if use_default else {}
        self.headers_config: dict[str, HeaderMatcher] = {**default, **(headers_config or {})}
        """The matchers by name, for inspection; of two with the same name, that of the application."""
        matchers = [*default.items(), *(headers_config or {}).items()]
        self._rules = Rules([compile_matcher(name, matcher) for name, matcher in matchers])
        self._kinds = self._rules.kinds
        self._decisions = self._rules.decisions
        self._needs_nonce = self._rules.has_nonce
        self._warned_of_cached_nonce = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901  # the hot path
        """Process one connection."""
        if scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return

        # A mounted application changes the root path of the scope, which it shares.
        root_path = scope["root_path"] if "root_path" in scope else ""  # noqa: SIM401  # faster than get
        if self._needs_nonce:
            self._prepare_nonce(scope)
        started = False

        def send_with_headers(message: Message) -> Awaitable[None]:
            nonlocal started
            if message["type"] != "http.response.start":
                return send(message)
            started = True
            # This runs for each response. Most need two short loops and a lookup in the memo of `Rules`,
            # which are inlined because a call would cost as much again. `decision` stays None when a rule
            # touches a header of the response; otherwise the host and the content type are looked up.
            message = {**message}
            decision = content_type = None
            host = b""
            given = message.get("headers", ())
            headers: RawHeaders = given if given.__class__ is list else list(given)
            kinds = self._kinds
            try:
                for name, value in headers:
                    if kind := kinds[name]:
                        if kind == TOUCHED:
                            break
                        content_type = value
                else:
                    for name, value in scope["headers"]:
                        if name == b"host":
                            host = value
                            decision = self._decisions[host][content_type]
                            break
            except KeyError:  # the first response of its kind
                self._rules.learn(headers, _netloc(scope))
            if isinstance(decision, tuple):
                message["headers"] = [*headers, *decision]
            else:
                message["headers"] = self._edit(message["status"], headers, scope, root_path, decision)
            return send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if started:
                raise
            await answer_error(error, scope, receive, send_with_headers)

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a websocket, including the headers of its denial response, or the lifespan."""
        if scope["type"] == "websocket":
            root_path = scope.get("root_path", "")
            if self._needs_nonce:
                self._prepare_nonce(scope)
            send = edit_headers_at_start(
                scope,
                send,
                lambda message, headers: self._edit(message["status"], headers, scope, root_path, None),
            )
        await self.app(scope, *observe_lifespan(scope, receive, send))

    def _edit(
        self, status: int, headers: RawHeaders, scope: Scope, root_path: str, mask: int | None
    ) -> RawHeaders:
        """Return the headers of a response, including those that the rules add.

        Args:
            status: The status of the response.
            headers: Its headers.
            scope: The scope of the request.
            root_path: The root path of this application.
            mask: The rules that apply to the host and content type; `None` if not known, or if a rule changes
                headers of the endpoint.
        """
        is_touched = mask is None
        if mask is None:
            mask = self._rules.match(_netloc(scope), get_header(headers, b"content-type") or b"")
        path = path_inside(scope["path"], root_path) if root_path else scope["path"]
        plan = self._rules.plan(mask, status, scope, path)
        filled = plan.with_nonce(_ensure_nonce(scope)) if plan.has_nonce else plan
        edited = filled.edit(headers, final_headers(scope)) if is_touched else [*headers, *filled.added]
        if plan.has_nonce:
            self._warn_of_cached_nonce(edited)
        return edited

    def _prepare_nonce(self, scope: Scope) -> None:
        """Create a nonce if a rule may need one for this request."""
        path = path_inside(scope["path"], scope.get("root_path", ""))
        if self._rules.needs_nonce(_netloc(scope), scope.get("method", "GET"), path):
            _ensure_nonce(scope)

    def _warn_of_cached_nonce(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        cache_control = get_header(headers, b"cache-control") or b""
        if _SHARED_CACHE.search(cache_control) and not self._warned_of_cached_nonce:
            self._warned_of_cached_nonce = True
            _LOGGER.warning(
                "A response with a nonce may be stored by shared caches (Cache-Control: %s): "
                "all users would get the same nonce",
                cache_control.decode("latin-1"),
            )


def _ensure_nonce(scope: Scope) -> str:
    """Return the nonce of the request, which is shared with other middlewares of this class."""
    nonce: str | None = scope.get(_NONCE)
    if nonce is None:
        nonce = scope[_NONCE] = secrets.token_urlsafe(_NONCE_BYTES)
    scope.setdefault("state", {})["nonce"] = nonce
    return nonce


def _netloc(scope: Scope) -> bytes:
    """Return `host[:port]` of a request, or of the server if there is no Host header."""
    for name, value in scope["headers"]:
        if name == b"host":
            return bytes(value)
    host, port = scope.get("server") or ("", None)
    host = f"[{host}]" if ":" in host else host
    return (f"{host}:{port}" if port else host).encode("latin-1", "replace")
