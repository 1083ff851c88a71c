"""Wrong values: one line for each variable, no value of a secret, a class that ends the process."""

import pickle
from collections.abc import Callable

import pytest

from c2casgiutils import config

SHORT_KEY = "fifteen-chars-x"

WRONG = {
    "REDIS__URL": ("http://user:hunter2@h", "redis://"),
    "REDIS__OPTIONS": ("socket_timeout=5,hunter2", "the form name=value"),
    "REDIS__SENTINEL_OPTIONS": ("socket_timeout=5,hunter2", "the form name=value"),
    "REDIS__SENTINELS": ("a:1,hunter2", "the form host:port"),
    "REDIS__DB": ("-1", "greater than or equal to 0"),
    "REDIS__CLUSTER": ("maybe", "true, false"),
    "PROMETHEUS__PREFIX": ("1a-", "metric name"),
    "PROMETHEUS__PORT": ("65536", "65535"),
    "SENTRY__SAMPLE_RATE": ("1.5", "less than or equal to 1"),
    "SENTRY__MAX_BREADCRUMBS": ("many", "a whole number"),
    "SENTRY__MAX_REQUEST_BODY_SIZE": ("huge", "'never', 'small', 'medium' or 'always'"),
    "SENTRY__EVENT_SCRUBBER": ("no.such.module:x", "module:name"),
    "AUTH__PUBLIC_URL": ("example.com", "http://"),
    "AUTH__GITHUB__USER_URL": ("http://h:99999", "a number from 0 to 65535"),
    "AUTH__GITHUB__REPO_URL": ("http://[hunter2", "http://"),
    "TOOLS__LOGGING__TTL": ("999ms", "1 second to 7 days, or 0"),
    "AUTH__THROTTLE_TOTAL": ("0", "greater than or equal to 1"),
    "AUTH__JWT__SECRET": (SHORT_KEY, "fewer than 16 characters"),
    "AUTH__JWT__PREVIOUS_SECRETS": (SHORT_KEY, "fewer than 16 characters"),
    "AUTH__JWT__COOKIE__NAME": ("a b", "cookie name"),
    "AUTH__JWT__COOKIE__PATH": ("a;b", "starts with /"),
    "AUTH__JWT__COOKIE__SAME_SITE": ("loose", "'lax', 'strict' or 'none'"),
    "AUTH__JWT__COOKIE__AGE": ("0", "1 second or longer"),
    "AUTH__GITHUB__STATE_COOKIE_AGE": ("999ms", "1 second or longer"),
    "AUTH__GITHUB__REPOSITORY": ("org", "organisation/repository"),
    "AUTH__GITHUB__ACCESS_TYPE": ("read", "'pull', 'push' or 'admin'"),
    "AUTH__GITHUB__ACCESS_TYPE_READ_ONLY": ("read", "'pull', 'push' or 'admin'"),
    "AUTH__GITHUB__ACCESS_TOKEN_EXPIRATION_MARGIN": ("-60", "Invalid time delta: "),
    "AUTH__GITHUB__TOKEN_URL": ("ftp://h", "https://"),
    "HEALTH__DETAILS": ("all", "'never', 'authorized' or 'always'"),
    "HEALTH__TIMEOUT": ("0", "longer than zero"),
    "HEALTH__WEBHOOK": ("hunter2", "https://"),
    "DEBUG__ENABLED": ("sure", "must be a boolean (true, false"),
    "DEBUG__STALL": ("1ms", "must be 10 milliseconds to 1 minute"),
    "INSTANCES__HEARTBEAT": ("P1Y", "Invalid time delta: 'P1Y'"),
    "REQUEST_TRACKING__HEADER": ("X Mine", "the name of a header"),
    "REQUEST_TRACKING__DEFAULT_TIMEOUT": ("0", "longer than zero"),
    "PROXY_HEADERS__TYPE": ("x-real-ip", "'none', 'x-forwarded' or 'forwarded'"),
    "PROXY_HEADERS__FORCE_PORT": ("0", "greater than or equal to 1"),
    "HTTP": ("maybe", "must be a boolean (true, false"),
    "ROUTE_PREFIX": ("/a b", "path such as"),
    "REDIS": ("{", "JSON"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value, accepted = WRONG[name]
    monkeypatch.setenv(f"C2C__{name}", value)
    with pytest.raises(config.ConfigurationError):
        config.Settings()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"C2C__{name}")
    assert accepted in lines[0]
    assert "hunter2" not in lines[0]
    assert SHORT_KEY not in lines[0]


@pytest.mark.parametrize("type_", ["none", "x-forwarded"])
@pytest.mark.parametrize("host", ["10.0.0.0/33", "10.0.0.1-10.0.0.9", "10.0.0.1:80", "10.0.0"])
def test_hosts_that_could_never_match(host: str, type_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no peer can be ends the start, also while no forwarded header is read."""
    monkeypatch.setenv("C2C__PROXY_HEADERS__TYPE", type_)
    monkeypatch.setenv("C2C__PROXY_HEADERS__TRUSTED_HOSTS", f"127.0.0.1, {host}")
    with pytest.raises(config.ConfigurationError, match=r"^C2C__PROXY_HEADERS__TRUSTED_HOSTS: ") as raised:
        config.Settings()
    assert f"has {host!r}" in str(raised.value)
    assert "accepted are addresses, networks" in str(raised.value)


ALGORITHMS = ["none", "RS256", "HS999", "ES256"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_other_algorithms_are_refused(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__AUTH__JWT__ALGORITHM", algorithm)
    with pytest.raises(ValueError, match=r"^C2C__AUTH__JWT__ALGORITHM: .*'HS256', 'HS384' or 'HS512'$"):
        config.Settings()


def test_all_wrong_variables_are_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HTTP", "REDIS__DB", "DRAIN_WAIT"):
        monkeypatch.setenv(f"C2C__{name}", "x")
    with pytest.raises(config.ConfigurationError) as error:
        config.Settings()
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == [
        "C2C__DRAIN_WAIT",
        "C2C__HTTP",
        "C2C__REDIS__DB",
    ]
    assert str(error.value).splitlines() == lines == list(error.value.problems)


def test_the_error_ends_the_process_with_3_and_is_a_value_error() -> None:
    error = config.ConfigurationError(["A: is wrong"])
    assert isinstance(error, SystemExit)
    assert isinstance(error, ValueError)
    assert error.code == 3
    assert str(pickle.loads(pickle.dumps(error))) == "A: is wrong"  # noqa: S301  # made two lines above


def test_reading_the_settings_raises_it_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(config, "settings")
    monkeypatch.setenv("C2C__HTTP", "x")
    for _ in range(2):
        with pytest.raises(config.ConfigurationError):
            _ = config.settings


# between settings that are right one by one: found when the settings of a process are read


def read_by_a_process(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> config.Settings:
    monkeypatch.delattr(config, "settings")
    for name, value in environment.items():
        monkeypatch.setenv(f"C2C__{name}", value)
    return config.settings


GITHUB = {
    "AUTH__GITHUB__REPOSITORY": "org/repo",
    "AUTH__GITHUB__CLIENT_ID": "id",
    "AUTH__GITHUB__CLIENT_SECRET": "hunter2",
}
KEY = {"AUTH__JWT__SECRET": "0123456789abcdef0123456789abcdef"}
SIGNED = {"REDIS__URL": "redis://h", "REDIS__BROADCAST_SECRET": "hunter2"}
SAME_SITE = {"AUTH__JWT__COOKIE__SAME_SITE": "None"}
CONTRADICTIONS: dict[str, tuple[dict[str, str], set[str]]] = {
    "only the repository": (
        {"AUTH__GITHUB__REPOSITORY": "org/repo"},
        {"AUTH__GITHUB__CLIENT_ID", "AUTH__GITHUB__CLIENT_SECRET"},
    ),
    "only the client secret": (
        {"AUTH__GITHUB__CLIENT_SECRET": "hunter2"},
        {"AUTH__GITHUB__CLIENT_ID", "AUTH__GITHUB__REPOSITORY"},
    ),
    "no client secret": ({**GITHUB, "AUTH__GITHUB__CLIENT_SECRET": ""}, {"AUTH__GITHUB__CLIENT_SECRET"}),
    "half beside a secret": (
        {**GITHUB, "AUTH__GITHUB__CLIENT_ID": "", "AUTH__SECRET": "x"},
        {"AUTH__GITHUB__CLIENT_ID"},
    ),
    "GitHub without a key": (GITHUB, {"AUTH__JWT__SECRET"}),
    "same site none, secure off": ({**SAME_SITE, "AUTH__JWT__COOKIE__SECURE": "False"}, set(SAME_SITE)),
    "same site none, plain http": ({**SAME_SITE, "HTTP": "True"}, set(SAME_SITE)),
    "signed messages under the default prefix": (SIGNED, {"REDIS__BROADCAST_PREFIX"}),
    "signed messages, Sentinel": (
        {**SIGNED, "REDIS__URL": "", "REDIS__SENTINELS": "h:26379", "REDIS__SERVICENAME": "name"},
        {"REDIS__BROADCAST_PREFIX"},
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_a_line_for_each_wrong_variable(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment, wrong = CONTRADICTIONS[name]
    with pytest.raises(config.ConfigurationError):
        read_by_a_process(monkeypatch, environment)
    output = capsys.readouterr().err
    assert {line.partition(":")[0].removeprefix("C2C__") for line in output.splitlines()} == wrong
    assert "hunter2" not in output


@pytest.mark.parametrize(
    "environment",
    [
        {**GITHUB, **KEY},
        {**GITHUB, "AUTH__SECRET": "x"},
        {**GITHUB, "AUTH__TEST__USERNAME": "x"},
        SAME_SITE,
        KEY,
        {**SIGNED, "REDIS__BROADCAST_PREFIX": "mine_"},
        {**SIGNED, "REDIS__URL": ""},
    ],
    ids=[
        "github",
        "secret first",
        "test user first",
        "same site none",
        "only a key",
        "signed, own prefix",
        "signed, no Redis",
    ],
)
def test_no_contradiction(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_by_a_process(monkeypatch, environment) is config.settings


@pytest.mark.parametrize("key", ["change-me-change-me-change-me", "your-secret-key-of-32-characters"])
def test_the_key_of_an_example_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__AUTH__JWT__SECRET", key)
    with pytest.raises(config.ConfigurationError, match=r"^C2C__AUTH__JWT__SECRET: is an example"):
        config.Settings()


ASSIGNMENTS: dict[str, Callable[[config.Settings], None]] = {
    "port": lambda settings: setattr(settings.prometheus, "port", -1),
    "key": lambda settings: setattr(settings.auth.jwt, "secret", SHORT_KEY),
    "url": lambda settings: setattr(settings.redis, "url", f"http://:{SHORT_KEY}@h"),
    "margin": lambda settings: setattr(
        settings.auth.github, "access_token_expiration_margin", -config.parse_duration("1m")
    ),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_assigned_value_is_checked_too_and_not_shown(name: str) -> None:
    with pytest.raises(ValueError, match=r"1 validation error") as error:
        ASSIGNMENTS[name](config.Settings())
    assert SHORT_KEY not in str(error.value)


# older and unknown names

OLDER = {
    "C2C__AUTH__COOKIE": ("C2C__AUTH__JWT__COOKIE__NAME", "name", "older", "older"),
    "C2C__AUTH__COOKIE_AGE": ("C2C__AUTH__JWT__COOKIE__AGE", "age", "3600", config.parse_duration("1h")),
}


@pytest.mark.parametrize("older", OLDER)
def test_an_older_name_is_read_with_one_warning(
    older: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    newer, field, text, value = OLDER[older]
    monkeypatch.setenv(older, text)
    assert getattr(config.Settings().auth.jwt.cookie, field) == value
    assert [record.getMessage() for record in caplog.records] == [f"{older} is deprecated, use {newer}"]


def test_the_new_name_wins(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("C2C__AUTH__COOKIE", "older")
    monkeypatch.setenv("C2C__AUTH__JWT__COOKIE__NAME", "newer")
    assert config.Settings().auth.jwt.cookie.name == "newer"
    assert len(caplog.records) == 1


def test_an_empty_new_name_does_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__AUTH__COOKIE", "older")
    monkeypatch.setenv("C2C__AUTH__JWT__COOKIE__NAME", "")
    assert config.Settings().auth.jwt.cookie.name == "older"


def test_a_wrong_value_under_an_older_name_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C2C__AUTH__COOKIE_AGE", "abc5")
    with pytest.raises(config.ConfigurationError):
        config.Settings()
    assert "C2C__AUTH__COOKIE_AGE" in capsys.readouterr().err


UNKNOWN = {
    "C2C__REDIS__URI": ", did you mean C2C__REDIS__URL?",
    "C2C__AUTH__JWT__SECRETS": ", did you mean C2C__AUTH__JWT__SECRET?",
    "C2C__REDIS__URL__PASSWORD": ", did you mean C2C__REDIS__URL?",
    "C2C__TOTALLY_DIFFERENT_THING_ALTOGETHER": "",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_name_is_one_warning_without_its_value(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, "hunter2")
    config.Settings()
    assert [record.getMessage() for record in caplog.records] == [
        f"{name} is not a known setting{UNKNOWN[name]}"
    ]
    assert "hunter2" not in caplog.text


def test_variables_of_others_are_no_concern(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("C2C_SECRET", "x")
    monkeypatch.setenv("REDIS__URL", "x")
    config.Settings()
    assert not caplog.records
