"""Every variable: its default, and a value of it read back."""

import datetime
import functools
from pathlib import Path
from typing import Any

import pytest

from c2casgiutils import config
from c2casgiutils.config._environment import variables

LONG = "0123456789abcdef0123456789abcdef"
_SECONDS = datetime.timedelta(seconds=1)

# variable without C2C__: default, text in the environment, value read
TABLE: dict[str, tuple[Any, str, Any]] = {
    "REDIS__URL": (None, "redis://h:6379", "redis://h:6379"),
    "REDIS__OPTIONS": ({}, "socket_timeout=5,ssl=True", {"socket_timeout": 5, "ssl": True}),
    "REDIS__SENTINEL_OPTIONS": ({}, "ssl=True,username=me", {"ssl": True, "username": "me"}),
    "REDIS__SENTINELS": (None, "a:26379,b:26380", "a:26379,b:26380"),
    "REDIS__SERVICENAME": (None, "mymaster", "mymaster"),
    "REDIS__DB": (0, "3", 3),
    "REDIS__BROADCAST_PREFIX": ("broadcast_api_", "mine_", "mine_"),
    "REDIS__BROADCAST_SECRET": (None, "s3cret", "s3cret"),
    "REDIS__CLUSTER": (False, "yes", True),
    "REDIS__METRICS": (False, "yes", True),
    "DB__URL": (None, "sqlite:///x.db", "sqlite:///x.db"),
    "DB__READ_ONLY__URL": (None, "postgresql://h/d", "postgresql://h/d"),
    "DB__READ_ONLY__POOL_SIZE": (None, "3", 3),
    "DB__READ_ONLY__MAX_OVERFLOW": (None, "0", 0),
    "DB__READ_ONLY__POOL_RECYCLE": (None, "1h", 3600 * _SECONDS),
    "DB__READ_ONLY__POOL_PRE_PING": (True, "no", False),
    "DB__READ_ONLY__ECHO": (None, "yes", True),
    "DB__POOL_SIZE": (5, "3", 3),
    "DB__MAX_OVERFLOW": (10, "0", 0),
    "DB__POOL_RECYCLE": (None, "30s", 30 * _SECONDS),
    "DB__POOL_PRE_PING": (False, "yes", True),
    "DB__ECHO": (False, "yes", True),
    "DB__FORCE_READ_WRITE": ([], "GET /a, GET /b", ["GET /a", "GET /b"]),
    "DB__FORCE_READ_ONLY": ([], "POST /search", ["POST /search"]),
    "DB__STICKY": (None, "10s", 10 * _SECONDS),
    "DB__MAX_LAG": (None, "5s", 5 * _SECONDS),
    "STATS_DB__PASSWORD": (None, "an-example", "an-example"),
    "STATS_DB__TRY_NUMBER": (10, "3", 3),
    "STATS_DB__SLEEP": (_SECONDS, "100ms", _SECONDS / 10),
    "PROMETHEUS__PREFIX": ("c2casgiutils_", "app:x_", "app:x_"),
    "PROMETHEUS__PORT": (9000, "0", 0),
    "PROMETHEUS__ADDRESS": ("127.0.0.1", "0.0.0.0", "0.0.0.0"),
    "PROMETHEUS__PACKAGES": (
        ["c2casgiutils", "fastapi", "pydantic", "redis", "sqlalchemy", "starlette", "uvicorn"],
        "fastapi, httpx",
        ["fastapi", "httpx"],
    ),
    "PROMETHEUS__APPLICATION_PACKAGE": (None, "httpx", "httpx"),
    "PROMETHEUS__SMAPS": (False, "yes", True),
    "SENTRY__DSN": (None, "https://k@h/1", "https://k@h/1"),
    "SENTRY__DEBUG": (False, "true", True),
    "SENTRY__RELEASE": (None, "1.2", "1.2"),
    "SENTRY__ENVIRONMENT": ("production", "dev", "dev"),
    "SENTRY__DIST": (None, "d", "d"),
    "SENTRY__SAMPLE_RATE": (1.0, "0.5", 0.5),
    "SENTRY__IGNORE_ERRORS": ([], "A, B", ["A", "B"]),
    "SENTRY__MAX_BREADCRUMBS": (100, "5", 5),
    "SENTRY__ATTACH_STACKTRACE": (False, "1", True),
    "SENTRY__SEND_DEFAULT_PII": (None, "off", False),
    "SENTRY__INCLUDE_SOURCE_CONTEXT": (True, "no", False),
    "SENTRY__INCLUDE_LOCAL_VARIABLES": (True, "0", False),
    "SENTRY__ADD_FULL_STACK": (False, "TRUE", True),
    "SENTRY__MAX_STACK_FRAMES": (100, "7", 7),
    "SENTRY__SERVER_NAME": (None, "web", "web"),
    "SENTRY__LEVEL": ("ERROR", "warn", "WARNING"),
    "SENTRY__OPTIONS": ({}, "{keep_alive: true}", {"keep_alive": True}),
    "SENTRY__INTEGRATIONS": ({}, '{"redis": false}', {"redis": False}),
    "SENTRY__PROJECT_ROOT": (str(Path.cwd()), "/app", "/app"),
    "SENTRY__IN_APP_INCLUDE": ([], "a,b", ["a", "b"]),
    "SENTRY__IN_APP_EXCLUDE": ([], "a", ["a"]),
    "SENTRY__MAX_REQUEST_BODY_SIZE": ("medium", "Never", "never"),
    "SENTRY__MAX_VALUE_LENGTH": (1024, "9", 9),
    "SENTRY__CA_CERTS": (None, "/ca.pem", "/ca.pem"),
    "SENTRY__SEND_CLIENT_REPORTS": (True, "f", False),
    "SENTRY__TRACES_SAMPLE_RATE": (None, "0.1", 0.1),
    "SENTRY__IGNORED_LOGGERS": ([], "a,b.c", ["a", "b.c"]),
    "SENTRY__TAGS": ({}, '{"a": "b"}', {"a": "b"}),
    "AUTH__SECRET": (None, "s3cret", "s3cret"),
    "AUTH__PUBLIC_URL": (None, "https://example.com/app", "https://example.com/app"),
    "AUTH__THROTTLE_PER_CLIENT": (20, "5", 5),
    "AUTH__THROTTLE_TOTAL": (200, "50", 50),
    "AUTH__JWT__SECRET": (None, LONG, LONG),
    "AUTH__JWT__ALGORITHM": ("HS256", "HS512", "HS512"),
    "AUTH__JWT__PREVIOUS_SECRETS": ([], f"{LONG}, x{LONG}", [LONG, f"x{LONG}"]),
    "AUTH__JWT__COOKIE__NAME": ("c2c-jwt-auth", "mine", "mine"),
    "AUTH__JWT__COOKIE__AGE": (7 * 86400 * _SECONDS, "P1D", 86400 * _SECONDS),
    "AUTH__JWT__COOKIE__SAME_SITE": ("lax", "Strict", "strict"),
    "AUTH__JWT__COOKIE__SECURE": (True, "false", False),
    "AUTH__JWT__COOKIE__PATH": (None, "/c2c", "/c2c"),
    "AUTH__GITHUB__ACCESS_TYPE": ("pull", "push", "push"),
    "AUTH__GITHUB__ACCESS_TYPE_READ_ONLY": ("pull", "push", "push"),
    "AUTH__GITHUB__ACCESS_TYPE_READ_WRITE": ("push", "ADMIN", "admin"),
    "AUTH__GITHUB__ACCESS_TYPE_ADMIN": ("admin", "push", "push"),
    "AUTH__GITHUB__AUTHORIZE_URL": ("https://github.com/login/oauth/authorize", "http://h/a", "http://h/a"),
    "AUTH__GITHUB__TOKEN_URL": ("https://github.com/login/oauth/access_token", "http://h/t", "http://h/t"),
    "AUTH__GITHUB__USER_URL": ("https://api.github.com/user", "http://h/u", "http://h/u"),
    "AUTH__GITHUB__REPO_URL": ("https://api.github.com/repos", "http://h/r", "http://h/r"),
    "AUTH__GITHUB__SCOPE": ("repo", "read:org", "read:org"),
    "AUTH__GITHUB__PROXY_URL": (None, "https://proxy.example.com/", "https://proxy.example.com/"),
    "AUTH__GITHUB__STATE_COOKIE": ("c2c-state", "state", "state"),
    "AUTH__GITHUB__STATE_COOKIE_AGE": (600 * _SECONDS, "5m", 300 * _SECONDS),
    "AUTH__GITHUB__ACCESS_TOKEN_EXPIRATION_MARGIN": (60 * _SECONDS, "0", 0 * _SECONDS),
    "AUTH__GITHUB__BEARER": (False, "True", True),
    "AUTH__GITHUB__ALLOW_PUBLIC_PULL": (False, "True", True),
    "AUTH__GITHUB__PERMISSION_TTL": (60 * _SECONDS, "30", 30 * _SECONDS),
    "AUTH__TEST__USERNAME": (None, "Jane", "Jane"),
    "TOOLS__DOCS": (False, "True", True),
    "TOOLS__PUBLIC_TITLE": (False, "True", True),
    "TOOLS__LOGGING__TTL": (600 * _SECONDS, "PT1H", 3600 * _SECONDS),
    "TOOLS__LOGGING__REDIS_PREFIX": ("c2c_logging_level_", "x_", "x_"),
    "TOOLS__LOGGING__APPLICATION_MODULE": ("c2casgiutils", "my_app", "my_app"),
    "HEALTH__DETAILS": ("authorized", "Never", "never"),
    "HEALTH__TIMEOUT": (2 * _SECONDS, "5", 5 * _SECONDS),
    "HEALTH__TTL": (1 * _SECONDS, "0", 0 * _SECONDS),
    "HEALTH__WEBHOOK": (None, "https://hook/x", "https://hook/x"),
    "INSTANCES__HEARTBEAT": (5 * _SECONDS, "PT0.2S", 0.2 * _SECONDS),
    "DEBUG__ENABLED": (False, "yes", True),
    "DEBUG__STALL": (0.1 * _SECONDS, "1.5", 1.5 * _SECONDS),
    "DEBUG__WATCHDOG": (True, "off", False),
    "PROXY_HEADERS__TYPE": ("none", "X-Forwarded", "x-forwarded"),
    "PROXY_HEADERS__APPLY_PREFIX": (False, "True", True),
    "PROXY_HEADERS__TRUSTED_HOSTS": (["127.0.0.1"], "10.0.0.0/8, *", ["10.0.0.0/8", "*"]),
    "PROXY_HEADERS__FORCE_PROTO": (None, "HTTPS", "https"),
    "PROXY_HEADERS__FORCE_HOST": (None, "example.com", "example.com"),
    "PROXY_HEADERS__FORCE_PORT": (None, "443", 443),
    "PROXY_HEADERS__FORCE_CLIENT": (None, "1.2.3.4", "1.2.3.4"),
    "REQUEST_TRACKING__HEADER": (None, "X-Mine", "X-Mine"),
    "REQUEST_TRACKING__TRUST": (True, "no", False),
    "REQUEST_TRACKING__SERVER_TIMING": (False, "True", True),
    "REQUEST_TRACKING__DEFAULT_TIMEOUT": (5 * _SECONDS, "200ms", 0.2 * _SECONDS),
    "REQUEST_TRACKING__SQL": (False, "on", True),
    "HTTP": (False, "True", True),
    "ROUTE_PREFIX": ("/", "api", "/api/"),
    "DRAIN_WAIT": (5 * _SECONDS, "10s", 10 * _SECONDS),
    "DEVELOPMENT": (False, "true", True),
}
# read only together, or with a value of its own kind: each has its own test
ELSEWHERE = {
    "PROMETHEUS__BEARER",
    "AUTH__GITHUB__REPOSITORY",
    "AUTH__GITHUB__CLIENT_ID",
    "AUTH__GITHUB__CLIENT_SECRET",
    "SENTRY__EVENT_SCRUBBER",
    "JSON__PRETTY_PRINT",
    "JSON__SORT_KEYS",
}


def read(name: str, settings: config.Settings) -> Any:
    return functools.reduce(getattr, name.lower().split("__"), settings)


def test_the_table_is_complete() -> None:
    """Whoever adds a setting adds its row here or its test elsewhere."""
    names = {name.removeprefix("C2C__") for name, _ in variables(config.Settings)}
    assert names == set(TABLE) | ELSEWHERE


@pytest.mark.parametrize("name", TABLE)
def test_default(name: str) -> None:
    assert read(name, config.Settings()) == TABLE[name][0]


@pytest.mark.parametrize("name", TABLE)
def test_read_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"C2C__{name}", TABLE[name][1])
    assert read(name, config.Settings()) == TABLE[name][2]


@pytest.mark.parametrize("text", ["", "  "], ids=repr)
@pytest.mark.parametrize("name", TABLE)
def test_empty_counts_as_unset(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"C2C__{name}", text)
    assert read(name, config.Settings()) == TABLE[name][0]


def test_names_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("c2c__Redis__Db", "4")
    assert config.Settings().redis.db == 4


def test_a_github_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"repository": "org/repo.name", "client_id": "id", "client_secret": "s3cret"}
    for name, value in values.items():
        monkeypatch.setenv(f"C2C__AUTH__GITHUB__{name.upper()}", value)
    assert config.Settings().auth.github.model_dump(include=set(values)) == values


def test_a_group_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pydantic-settings offers is kept; a variable of its own wins."""
    monkeypatch.setenv("C2C__REDIS", '{"db": 4, "servicename": "mymaster"}')
    monkeypatch.setenv("C2C__REDIS__DB", "5")
    assert (config.Settings().redis.db, config.Settings().redis.servicename) == (5, "mymaster")


@pytest.mark.parametrize("text", ["/", "//", "api", "/api", "api/", "/a//b", "/api/v1.0/"])
def test_route_prefix_starts_and_ends_with_a_slash(text: str) -> None:
    prefix = config.Settings(route_prefix=text).route_prefix
    assert prefix.startswith("/")
    assert prefix.endswith("/")
    assert "//" not in prefix
    assert prefix.strip("/") == text.strip("/").replace("//", "/")


def test_settings_do_not_share_their_groups() -> None:
    config.Settings().redis.db = 9
    assert config.Settings().redis.db == 0


def test_access_type_sets_the_read_only_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__AUTH__GITHUB__ACCESS_TYPE", "Push")
    github = config.Settings().auth.github
    assert [github.access_type_read_only, github.access_type_read_write, github.access_type_admin] == [
        *("push", "push", "admin")
    ]


def test_the_new_read_only_level_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__AUTH__GITHUB__ACCESS_TYPE", "admin")
    monkeypatch.setenv("C2C__AUTH__GITHUB__ACCESS_TYPE_READ_ONLY", "push")
    assert config.Settings().auth.github.access_type_read_only is config.GitHubAccessType.PUSH


def test_settings_are_read_on_first_access_and_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(config, "settings", raising=False)
    monkeypatch.setenv("C2C__REDIS__DB", "7")
    assert config.settings.redis.db == 7
    monkeypatch.setenv("C2C__REDIS__DB", "8")
    assert config.settings.redis.db == 7
    config.settings = config.Settings()
    assert config.settings.redis.db == 8


def test_no_other_attribute_is_made_up() -> None:
    with pytest.raises(AttributeError, match="something"):
        _ = config.something
