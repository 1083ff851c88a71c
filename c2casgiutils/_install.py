"""The function that sets up an application with everything recommended."""

import contextlib
import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

import c2casgiutils
from c2casgiutils import (
    config,
    headers,
    health_checks,
    instances,
    logs,
    prometheus,
    request_tracking,
    sentry,
)
from c2casgiutils._asgi import LEGACY_PATHS, SlashRedirectMiddleware, path_inside
from c2casgiutils._starlette import mount, redirect_to_slash
from c2casgiutils.headers._cors import check_cors

_GZIP_FROM_BYTES = 1000
_UNTITLED = "FastAPI"  # FastAPI's default title
_MOUNTED = "c2casgiutils_installed"


def install(
    app: Starlette,
    *,
    path: str = "/c2c",
    lifespan: bool = True,
    logging: bool = True,
    sentry: bool = True,
    metrics: bool = True,
    metrics_port: bool = True,
    probes: bool = False,
    armor: bool = True,
    headers_config: Mapping[str, headers.HeaderMatcher] | None = None,
    forwarded: bool = True,
    apply_prefix: bool | None = None,
    request_tracking: bool = True,
    gzip: bool = True,
    trusted_hosts: Sequence[str] = (),
    https_redirect: bool = False,
    cors: Mapping[str, Any] | None = None,
    errors: bool = False,
    legacy_paths: bool = False,
) -> None:
    """Set up an application: mount `c2casgiutils.app`, start and stop it, and add the middlewares in order.

    Call it right after `app = FastAPI(...)`: an earlier catch-all route would hide the mount, and Sentry only
    sees what happens afterwards. Each part can also be used alone, without this function.

    Afterwards, no handler of the standard library's logging emits secrets, however it was configured.

    Args:
        app: The application of FastAPI or Starlette, before it serves requests.
        path: Where to mount, below `C2C__ROUTE_PREFIX`; the path without the trailing slash is redirected.
        lifespan: Start and stop everything with the application, around its own lifespan.
        logging: Configure logging where nothing else has: a handler, and the level of the calling package
            (see `logs.complete`).
        sentry: Initialise Sentry if there is a DSN and the application has not done so.
        metrics: Measure the requests.
        metrics_port: Serve the metrics on `C2C__PROMETHEUS__PORT` while the application runs.
        probes: Also add `/livez`, `/readyz` and `/startupz` at the root of the application.
        armor: Add the security headers.
        headers_config: Additional matchers of the security headers.
        forwarded: Trust proxies according to `C2C__PROXY_HEADERS__...`.
        apply_prefix: Prepend `X-Forwarded-Prefix` to the root path; by default the value of
            `C2C__PROXY_HEADERS__APPLY_PREFIX`.
        request_tracking: Give each request an id, see `C2C__REQUEST_TRACKING__...`.
        gzip: Compress responses of 1000 bytes or more.
        trusted_hosts: Allowed values of `Host` (`*.example.com`); all by default.
        https_redirect: Redirect plain HTTP to HTTPS, except probes and metrics; not with `C2C__HTTP`.
        cors: Options of `headers.add_cors`; without them no cross-origin access is allowed.
        errors: Answer errors of the application's routes in one form, see `errors.install`.
        legacy_paths: Keep the addresses of c2cwsgiutils that others know: the callback of GitHub and the
            list of log levels.

    Raises:
        ValueError: The path or a matcher is invalid, `cors` allows arbitrary origins to use the credentials
            of the visitor, or the application was already set up.
        TypeError: The application is of another framework, or a type in a matcher or in `cors` is not
            supported.
        ConfigurationError: A setting is invalid (proxies, Sentry, metrics); ends the start.
    """
    if not isinstance(app, Starlette):
        name = type(app).__name__
        raise TypeError(f"app must be of FastAPI or Starlette, not {name}; see docs/other-frameworks.md")
    if getattr(app.state, _MOUNTED, False):
        raise ValueError("install() was already called on this application")
    target = _target(path)
    check_cors(cors or {})
    setattr(app.state, _MOUNTED, True)
    logs.protect_handlers(config.secrets_of(config.settings))
    if sentry:
        _init_sentry()
    prometheus.name_service(_service_name(app))
    _mount(app, target, legacy_paths=legacy_paths)
    health_checks.FACTORY.with_automatic = True
    if probes:
        health_checks.probes(app)
    if errors:
        _answer_errors(app)
    if lifespan:
        caller = _calling_package() if logging else ""
        logs.check(caller)
        _compose_lifespan(app, caller=caller, metrics_port=metrics_port)
    # The last one added is the outermost.
    _add_innermost(app, gzip=gzip, cors=cors)
    if https_redirect and not config.settings.http:
        app.add_middleware(_HTTPSRedirectMiddleware, plain=_plain_paths(target, probes=probes))
    if trusted_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(trusted_hosts))
    _add_outermost(
        app, metrics=metrics, armor=armor, headers_config=headers_config, tracking=request_tracking
    )
    if forwarded:
        _add_forwarded(app, apply_prefix=apply_prefix)


class _HTTPSRedirectMiddleware(HTTPSRedirectMiddleware):
    """Redirects to HTTPS, except for some paths.

    Args:
        app: The application.
        plain: The exceptions, below the root path of the application.
    """

    def __init__(self, app: ASGIApp, plain: frozenset[str]) -> None:
        super().__init__(app)
        self._plain = plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "path" in scope and path_inside(scope["path"], scope.get("root_path", "")) in self._plain:
            await self.app(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def _plain_paths(target: str, *, probes: bool) -> frozenset[str]:
    """Return the paths of the probes and the metrics, which are requested directly, without TLS."""
    at_root = {f"/{name}" for name in health_checks.PROBES} if probes else set()
    paths = {*health_checks.PROBE_PATHS, "/metrics"}
    return frozenset({*at_root, *(f"{target}{path}" for path in paths)})


def _target(path: str) -> str:
    if not re.fullmatch(r"(/[\w.~-]+)+/?", path, re.ASCII):
        raise ValueError(f"path must be a path such as /c2c, not {path!r}")
    return config.settings.route_prefix + path.strip("/")


def _answer_errors(app: Starlette) -> None:
    from c2casgiutils import errors  # `install` has a parameter of this name

    errors.install(app)


def _init_sentry() -> None:
    if sentry.is_active():
        sentry.tag_events()
    else:
        sentry.init()


def _mount(app: Starlette, target: str, *, legacy_paths: bool) -> None:
    redirect_to_slash(app, target)
    mount(app, target, c2casgiutils.app, {LEGACY_PATHS: legacy_paths})


def _service_name(app: Starlette) -> str:
    """Return the title of the application, or the calling package if it has no title of its own."""
    title: str = getattr(app, "title", _UNTITLED)
    return title if title != _UNTITLED else _calling_package()


def _calling_package() -> str:
    """Return the package that calls `install`."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return logs.package_of(frame.f_globals) if frame is not None else ""


def _compose_lifespan(app: Starlette, *, caller: str, metrics_port: bool) -> None:
    """Wrap the lifespan of the application in ours.

    Args:
        app: The application.
        caller: The package whose logging is configured; empty to leave logging alone. This happens at the
            start, as the application may configure its logging until then.
        metrics_port: Serve the metrics port.
    """
    own: Callable[[Any], contextlib.AbstractAsyncContextManager[Any]] = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def composed(main_app: Starlette) -> AsyncIterator[Any]:
        if caller:
            logs.complete(caller)
        sentry.enable_asyncio()
        port = prometheus.serving() if metrics_port else contextlib.nullcontext()
        async with port, c2casgiutils.lifespan(main_app), own(main_app) as state:
            yield state

    app.router.lifespan_context = composed


def _add_innermost(app: Starlette, *, gzip: bool, cors: Mapping[str, Any] | None) -> None:
    """Add what only changes the answers of the application itself."""
    app.add_middleware(SlashRedirectMiddleware)
    if gzip:
        app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES)
    if cors:
        headers.add_cors(app, **cors)


def _armor_config(
    headers_config: Mapping[str, headers.HeaderMatcher] | None,
) -> dict[str, headers.HeaderMatcher]:
    """Return the matchers; over plain HTTP, no browser may be told to use HTTPS only."""
    http: dict[str, headers.HeaderMatcher] = {"c2c_http": {"headers": {"Strict-Transport-Security": None}}}
    return {**(http if config.settings.http else {}), **(headers_config or {})}


def _add_outermost(
    app: Starlette,
    *,
    metrics: bool,
    armor: bool,
    headers_config: Mapping[str, headers.HeaderMatcher] | None,
    tracking: bool,
) -> None:
    """Add the middlewares that see every request and response, including rejections by other middlewares."""
    if metrics:
        prometheus.instrument(app)
        app.add_middleware(prometheus.InFlightMiddleware)
        instances.register_figure("requests_in_flight", prometheus.requests_in_flight)
    if armor:
        matchers = _armor_config(headers_config)
        headers.ArmorHeaderMiddleware(app, matchers)  # raises now, not at the first request
        app.add_middleware(headers.ArmorHeaderMiddleware, headers_config=matchers)
    if tracking:
        if sentry.is_active():
            app.add_middleware(sentry.TransactionTagMiddleware)
        settings = config.settings.request_tracking
        app.add_middleware(
            request_tracking.RequestTrackingMiddleware,
            header=settings.header,
            trust=settings.trust,
            server_timing=settings.server_timing,
        )


def _add_forwarded(app: Starlette, *, apply_prefix: bool | None) -> None:
    settings = config.settings.proxy_headers
    forced = {
        name: getattr(settings, name) for name in type(settings).model_fields if name.startswith("force_")
    }
    with_prefix = settings.apply_prefix if apply_prefix is None else apply_prefix
    if settings.type == "none" and not with_prefix and not any(forced.values()):
        app.add_middleware(headers.UnreadForwardedMiddleware)
        return
    options = {
        "trusted_hosts": settings.trusted_hosts,
        "headers_type": settings.type,
        "apply_prefix": with_prefix,
        **forced,
    }
    try:
        headers.ForwardedHeadersMiddleware(app, **options)
    except ValueError as error:
        name, _, problem = str(error).partition(" ")
        config.end_start([f"C2C__PROXY_HEADERS__{name.upper()}: {problem}"])
    app.add_middleware(headers.ForwardedHeadersMiddleware, **options)
