"""The environment variables of c2cwsgiutils and c2casgiutils 0.x, and what each of them is now.

`OLDER_VARIABLES` is the only list: `c2casgiutils-migrate-env` follows it, and the tables of the
pages `docs/migrate-from-….md` are generated from it.
"""

from collections.abc import Mapping

from c2casgiutils import config
from c2casgiutils.scripts._conversions import (
    always,
    boolean,
    commas,
    database_url,
    recycling,
    redis_url,
    repository_scope,
    seconds,
    unless_zero,
    whole,
)
from c2casgiutils.scripts._older_variable import (
    ANY,
    CLIENT,
    OPTIONS,
    OlderVariable,
    code,
    dropped,
    moved,
    option,
)

_LEVELS_SUFFICE = "the view is always there, and needs a level of access"

_SERVICE = (
    code("C2C_BASE_PATH", "`install(app, path=…)`; the default is `/c2c`, too"),
    moved("C2C_SECRET", "C2C__AUTH__SECRET"),
    moved("C2C_REQUEST_ID_HEADER", "C2C__REQUEST_TRACKING__HEADER"),
    moved(
        "C2C_REQUESTS_DEFAULT_TIMEOUT",
        "C2C__REQUEST_TRACKING__DEFAULT_TIMEOUT",
        "a duration; counts for the clients of `request_tracking` only",
        seconds,
    ),
    moved("C2C_SQL_REQUEST_ID", "C2C__REQUEST_TRACKING__SQL", "`0` enabled it, too", always),
    code("C2C_ENABLE_EXCEPTION_HANDLING", "`install(app, errors=True)`, or `errors.install(app)`"),
    code("C2C_DISABLE_EXCEPTION_HANDLING", "errors are handled only with `install(app, errors=True)`"),
    moved(
        "DEVELOPMENT",
        "C2C__DEVELOPMENT",
        "anything but `0` was true; keep the old one, too, if your own code reads it",
        unless_zero,
    ),
    moved(
        "C2C_JSON_PRETTY_PRINT",
        "C2C__JSON__PRETTY_PRINT",
        "for `PrettyJSONResponse` only",
        boolean,
    ),
    moved("C2C_JSON_SORT_KEYS", "C2C__JSON__SORT_KEYS", "for `PrettyJSONResponse` only", boolean),
    moved("C2C_DEBUG_VIEW_ENABLED", "C2C__DEBUG__ENABLED", "needed only for costly views", boolean),
    dropped("C2C_LOG_VIEW_ENABLED", _LEVELS_SUFFICE),
    dropped("C2C_DB_MAINTENANCE_VIEW_ENABLED", _LEVELS_SUFFICE),
    dropped("C2C_SQL_PROFILER_ENABLED", _LEVELS_SUFFICE),
    dropped("C2C_PROFILER_PATH", "the web profiler is gone: `POST /c2c/debug/profile`"),
    dropped("C2C_PROFILER_MODULES", "the web profiler is gone: `POST /c2c/debug/profile`"),
    dropped("COVERAGE", "the settings of coverage.py take its place"),
    moved("GIT_HASH"),
)

_GITHUB = (
    moved("C2C_AUTH_GITHUB_REPOSITORY", "C2C__AUTH__GITHUB__REPOSITORY"),
    moved(
        "C2C_AUTH_GITHUB_ACCESS_TYPE",
        "C2C__AUTH__GITHUB__ACCESS_TYPE_READ_ONLY",
        "changes need `push` and administration `admin`, unless set otherwise",
    ),
    moved("C2C_AUTH_GITHUB_CLIENT_ID", "C2C__AUTH__GITHUB__CLIENT_ID"),
    moved("C2C_AUTH_GITHUB_CLIENT_SECRET", "C2C__AUTH__GITHUB__CLIENT_SECRET"),
    moved("C2C_AUTH_GITHUB_SCOPE", "C2C__AUTH__GITHUB__SCOPE"),
    moved("C2C_AUTH_GITHUB_SECRET", "C2C__AUTH__JWT__SECRET", "fewer than 16 characters are refused"),
    moved("C2C_AUTH_GITHUB_COOKIE", "C2C__AUTH__JWT__COOKIE__NAME", "old cookies are not read"),
    moved("C2C_AUTH_GITHUB_AUTH_URL", "C2C__AUTH__GITHUB__AUTHORIZE_URL"),
    moved("C2C_AUTH_GITHUB_TOKEN_URL", "C2C__AUTH__GITHUB__TOKEN_URL"),
    moved("C2C_AUTH_GITHUB_USER_URL", "C2C__AUTH__GITHUB__USER_URL"),
    moved("C2C_AUTH_GITHUB_REPO_URL", "C2C__AUTH__GITHUB__REPO_URL"),
    moved("C2C_AUTH_GITHUB_PROXY_URL", "C2C__AUTH__GITHUB__PROXY_URL"),
    dropped("C2C_USE_SESSION", "the state of a sign-in is always checked, with a cookie of its own"),
)

_REDIS = (
    moved(
        "C2C_REDIS_URL",
        "C2C__REDIS__URL",
        "`redis://` is added if there is no scheme",
        redis_url,
    ),
    moved("C2C_REDIS_OPTIONS", "C2C__REDIS__OPTIONS", "options that redis-py does not know end the start"),
    moved("C2C_REDIS_SENTINELS", "C2C__REDIS__SENTINELS"),
    moved("C2C_REDIS_SERVICENAME", "C2C__REDIS__SERVICENAME", "required with sentinels"),
    moved("C2C_REDIS_DB", "C2C__REDIS__DB"),
    moved("C2C_BROADCAST_PREFIX", "C2C__REDIS__BROADCAST_PREFIX"),
    dropped("C2C_REDIS_PUBSUB_RETRY_DELAY", "a lost connection is taken up again within 5 s"),
    dropped("C2C_REDIS_PUBSUB_GET_MESSAGE_TIMEOUT", "messages are not polled"),
    moved("C2C_TRACK_REDIS", "C2C__REDIS__METRICS", "off by default", boolean),
)

_DATABASE = tuple(
    variable
    for older, newer in (("SQLALCHEMY_", "C2C__DB__"), ("SQLALCHEMY_SLAVE_", "C2C__DB__READ_ONLY__"))
    for variable in (
        moved(
            f"{older}URL",
            f"{newer}URL",
            "the driver psycopg2 is replaced by an async one",
            database_url,
        ),
        moved(f"{older}POOL_RECYCLE", f"{newer}POOL_RECYCLE", "a duration", recycling),
        moved(f"{older}POOL_SIZE", f"{newer}POOL_SIZE"),
        moved(f"{older}MAX_OVERFLOW", f"{newer}MAX_OVERFLOW"),
    )
)

_METRICS = (
    moved(
        "C2C_PROMETHEUS_PORT",
        "C2C__PROMETHEUS__PORT",
        "with `C2C__PROMETHEUS__ADDRESS=0.0.0.0`, as the default is the loopback; unset is 9000, not off",
        C2C__PROMETHEUS__ADDRESS="0.0.0.0",
    ),
    moved("C2C_PROMETHEUS_PREFIX", "C2C__PROMETHEUS__PREFIX", "the default was `c2cwsgiutils_`"),
    moved("C2C_PROMETHEUS_PACKAGES", "C2C__PROMETHEUS__PACKAGES"),
    moved("C2C_PROMETHEUS_APPLICATION_PACKAGE", "C2C__PROMETHEUS__APPLICATION_PACKAGE"),
    moved("PROMETHEUS_MULTIPROC_DIR"),
    moved("C2CWSGIUTILS_STATS_DB_TRYNUMBER", "C2C__STATS_DB__TRY_NUMBER"),
    moved("C2CWSGIUTILS_STATS_DB_SLEEP", "C2C__STATS_DB__SLEEP", "a duration", seconds),
    *(
        dropped(name, "StatsD is gone: Prometheus scrapes the metrics")
        for name in ("STATSD_ADDRESS", "STATSD_PREFIX", "STATSD_USE_TAGS", "STATS_VIEW")
    ),
)

_PROXIES = (
    moved("C2CWSGIUTILS_FORCE_PROTO", "C2C__PROXY_HEADERS__FORCE_PROTO"),
    moved("C2CWSGIUTILS_FORCE_HOST", "C2C__PROXY_HEADERS__FORCE_HOST"),
    dropped("C2CWSGIUTILS_FORCE_SERVER_NAME", "URLs are built from `C2C__PROXY_HEADERS__FORCE_HOST`"),
    moved("C2CWSGIUTILS_FORCE_REMOTE_ADDR", "C2C__PROXY_HEADERS__FORCE_CLIENT"),
)

_SENTRY = (
    moved("SENTRY_URL", "C2C__SENTRY__DSN"),
    moved(
        f"{CLIENT}IGNORE_EXCEPTIONS",
        "C2C__SENTRY__IGNORE_ERRORS",
        "a list with commas",
        convert=commas,
    ),
    moved(f"{CLIENT}WITH_LOCALS", "C2C__SENTRY__INCLUDE_LOCAL_VARIABLES", "as in SDK 2", boolean),
    *(
        option(f"{CLIENT}{name}", boolean)
        for name in (
            "AUTO_ENABLING_INTEGRATIONS",
            "AUTO_SESSION_TRACKING",
            "DEFAULT_INTEGRATIONS",
            "PROPAGATE_TRACES",
        )
    ),
    dropped(f"{CLIENT}ENABLE_TRACING", "traces are enabled by `C2C__SENTRY__TRACES_SAMPLE_RATE`"),
    option(f"{CLIENT}SHUTDOWN_TIMEOUT", whole),
    option(f"{CLIENT}TRANSPORT_QUEUE_SIZE", whole),
    moved(
        f"{CLIENT}{ANY}",
        f"C2C__SENTRY__{ANY}",
        f"if there is no such setting, an option of `{OPTIONS}`; `environment` is `production` by default",
    ),
    moved(f"SENTRY_TAG_{ANY}", f"C2C__SENTRY__TAG_{ANY}"),
    moved("SENTRY_LEVEL", "C2C__SENTRY__LEVEL"),
    moved("SENTRY_TRACES_SAMPLE_RATE", "C2C__SENTRY__TRACES_SAMPLE_RATE"),
    moved("SENTRY_EXCLUDES", "C2C__SENTRY__IGNORED_LOGGERS", "a list with commas", commas),
    *(
        moved(f"SENTRY_INTEGRATION_{name}", f"C2C__SENTRY__INTEGRATIONS__{name}", "", boolean)
        for name in ("LOGGING", "SQLALCHEMY", "REDIS", "ASYNCIO")
    ),
    dropped("SENTRY_INTEGRATION_PYRAMID", "the integration of FastAPI takes its place"),
    moved("SENTRY_DSN", change="`C2C__SENTRY__DSN` precedes it"),
    moved("SENTRY_RELEASE", change="`C2C__SENTRY__RELEASE` precedes it"),
    moved("SENTRY_ENVIRONMENT", change="`C2C__SENTRY__ENVIRONMENT` precedes it"),
)

_PROCESS = (
    moved("LOG_TYPE"),
    moved("LOG_LEVEL"),
    moved("SQL_LOG_LEVEL"),
    moved("OTHER_LOG_LEVEL"),
    moved("C2CWSGIUTILS_LOG_LEVEL", "C2C_LOG_LEVEL"),
    moved("DEBUG_LOGCONFIG", convert=boolean),
    dropped("C2CWSGIUTILS_CONFIG", "there are no ini files: settings are variables, logging is YAML"),
    moved("GUNICORN_WORKERS", "WEB_CONCURRENCY", "read by uvicorn and gunicorn"),
    dropped("GUNICORN_THREADS", "requests are served by one event loop for each process"),
    dropped("GUNICORN_ACCESS_LOG_FORMAT", "lines of the access log have the form of all others"),
    dropped("WAITRESS_THREADS", "requests are served by one event loop for each process"),
)

_OF_0X = (
    moved("C2C__AUTH__COOKIE", "C2C__AUTH__JWT__COOKIE__NAME", "the old name is still read"),
    moved(
        "C2C__AUTH__COOKIE_AGE",
        "C2C__AUTH__JWT__COOKIE__AGE",
        "a duration; the old name is still read",
        seconds,
    ),
    moved(
        "C2C__AUTH__GITHUB__ACCESS_TYPE",
        "C2C__AUTH__GITHUB__ACCESS_TYPE_READ_ONLY",
        "the old name is still read",
    ),
    moved(
        "C2C__AUTH__GITHUB__SCOPE",
        change="`none` asks for no scope; an empty value counts as unset",
        convert=repository_scope,
    ),
    moved(
        "C2C__AUTH__TEST__USERNAME",
        change="needs `C2C__DEVELOPMENT=True`, unless the host is a loopback one",
    ),
    moved("C2C__PROMETHEUS__PORT", change="`install` listens on `C2C__PROMETHEUS__ADDRESS`, the loopback"),
)

OLDER_VARIABLES: Mapping[str, tuple[OlderVariable, ...]] = {
    "The service": _SERVICE,
    "Sign-in with GitHub": _GITHUB,
    "Redis and broadcast": _REDIS,
    "Databases": _DATABASE,
    "Metrics": _METRICS,
    "Proxies": _PROXIES,
    "Sentry": _SENTRY,
    "Logs and processes": _PROCESS,
    "c2casgiutils 0.x": _OF_0X,
}
"""All variables with something to know about, by subject; each other one of 0.x is as it was."""

_BY_NAME = {variable.name: variable for group in OLDER_VARIABLES.values() for variable in group}


def find(name: str) -> OlderVariable | None:
    """Return what became of a variable, or `None` if it is not one of an older release."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    for prefix, variable in _families():
        rest = name.removeprefix(prefix)
        if rest and rest != name:
            return _member(variable, name, rest)
    return None


def _families() -> list[tuple[str, OlderVariable]]:
    return [(name.removesuffix(ANY), each) for name, each in _BY_NAME.items() if name.endswith(ANY)]


def _member(variable: OlderVariable, name: str, rest: str) -> OlderVariable:
    """Return one of a family of variables."""
    if name.startswith(CLIENT):
        field = config.Sentry.model_fields.get(rest.lower())
        if field is None:
            return option(name, change=f"option `{rest.lower()}`, which the start checks")
        is_boolean = field.annotation in {bool, bool | None}
        return moved(name, f"C2C__SENTRY__{rest}", convert=boolean if is_boolean else None)
    return moved(name, variable.new.replace(ANY, rest))


def known_names() -> list[str]:
    """Return all names of older releases, to which a misspelt one is compared."""
    return list(_BY_NAME)
