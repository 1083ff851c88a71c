"""The names that the contract promises, each imported in a fresh interpreter."""

import pytest

from tests.support.fresh import run_fresh

NAMES = {
    "c2casgiutils": "app startup shutdown lifespan __version__ acceptance auth broadcast config "
    "health_checks redis_utils request_tracking tools prometheus sentry cli db logs instances C2cError",
    "c2casgiutils.acceptance": "AsyncConnection CacheExpected Composition Connection DockerCompose "
    "PostgresqlServer PrintConnection Process RedisServer Service approx async_check_screenshot "
    "async_retry_timeout check_image check_image_file check_screenshot free_port retry retry_timeout "
    "wait_url",
    "c2casgiutils.acceptance.connection": "AsyncConnection CacheExpected Connection",
    "c2casgiutils.acceptance.image": "async_check_screenshot check_image check_image_file check_screenshot",
    "c2casgiutils.acceptance.print": "PrintConnection",
    "c2casgiutils.acceptance.utils": "approx async_retry_timeout retry retry_timeout wait_url",
    "c2casgiutils.config": "settings Settings parse_duration Duration StringList IntList FloatList "
    "GitHubAccessType",
    "c2casgiutils.broadcast": "startup cleanup subscribe unsubscribe broadcast decorate types "
    "interface local redis utils MissingAnswer FailedAnswer BroadcastError "
    "BroadcastUnavailable",
    "c2casgiutils.broadcast.types": "BroadcastResponse",
    "c2casgiutils.broadcast.interface": "BaseBroadcaster",
    "c2casgiutils.broadcast.local": "LocalBroadcaster",
    "c2casgiutils.broadcast.redis": "RedisBroadcaster",
    "c2casgiutils.broadcast.utils": "add_host_info",
    "c2casgiutils.redis_utils": "get cleanup",
    "c2casgiutils.headers": "ArmorHeaderMiddleware HeaderMatcher Header CSP_NONCE "
    "DEFAULT_HEADERS_CONFIG ForwardedHeadersMiddleware API_HEADERS_CONFIG "
    "add_cors grade",
    "c2casgiutils.health_checks": "FACTORY Factory Check Result EntityResult GlobalResult Redis "
    "SQLAlchemy Alembic Wrong router JsonCheckError probes",
    "c2casgiutils.auth": "AuthenticationType auth_type AuthMethod AuthInfo UserInfo "
    "GitHubSessionPayload AuthConfig AccessContext get_auth auth_required "
    "get_access_context check_access check_access_config "
    "check_read_only_access check_read_write_access check_admin_access "
    "require_access require_read_only_access require_read_write_access "
    "require_admin_access is_enabled startup READ_ONLY_AUTH_CONFIG "
    "READ_WRITE_AUTH_CONFIG ADMIN_AUTH_CONFIG router access api_key_header api_key_query",
    "c2casgiutils.db": "Database get Session ReadSession WriteSession",
    "c2casgiutils.errors": "install register",
    "c2casgiutils.tools": "router startup register_page register_link",
    "c2casgiutils.tools.logging_": "router startup LevelResponse",
    "c2casgiutils.tools.headers": "router HeadersResponse",
    "c2casgiutils.cli": "add_arguments init lifespan run",
    "c2casgiutils.instances": "roster",
    "c2casgiutils.profiling": "Profile",
    "c2casgiutils.prometheus": "start stop register Collector",
    "c2casgiutils.request_tracking": "RequestTrackingMiddleware current_request_id current_trace_id "
    "current_span_id headers async_client client instrument",
    "c2casgiutils.responses": "PrettyJSONResponse",
    "c2casgiutils.sentry": "init capture_exceptions",
}


@pytest.mark.parametrize("module", NAMES)
def test_promised_names(module: str) -> None:
    """`from module import name` works for each promised name, first thing in a process."""
    done = run_fresh("\n".join(f"from {module} import {name}" for name in NAMES[module].split()))
    assert done.returncode == 0, done.stderr


def test_attributes_after_a_bare_import() -> None:
    """Modules resolve as attributes of the package, and the parts of broadcast after its import."""
    done = run_fresh(
        "import c2casgiutils as c\n"
        "c.auth.auth_type; c.broadcast.decorate; c.config.settings; c.health_checks.FACTORY\n"
        "c.redis_utils.get; c.instances.roster; c.prometheus.start; c.sentry.init; c.cli.init; c.logs\n"
        "c.request_tracking.headers; c.tools.router; c.tools.logging_.router; c.tools.headers.router\n"
        "import c2casgiutils.broadcast as b\n"
        "b.types.BroadcastResponse; b.interface.BaseBroadcaster; b.local.LocalBroadcaster\n"
        "b.redis.RedisBroadcaster\n"
        "b.utils.add_host_info\n"
    )
    assert done.returncode == 0, done.stderr


def test_the_version_is_the_distribution_s() -> None:
    """`__version__` says what is installed."""
    done = run_fresh(
        "import c2casgiutils, importlib.metadata as m\n"
        "assert c2casgiutils.__version__ == m.version('c2casgiutils')"
    )
    assert done.returncode == 0, done.stderr
