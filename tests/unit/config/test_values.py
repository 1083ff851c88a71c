"""Secrets, lists, Redis options, Sentinels, Sentry."""

import copy
import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import sentry_sdk
import sentry_sdk.scrubber
from pydantic import BaseModel
from pydantic_settings import BaseSettings
from sentry_sdk.consts import DEFAULT_OPTIONS

from c2casgiutils import config
from c2casgiutils.config.redis import parse_addresses, parse_options, parse_sentinels

PASSWORD = "hunter2-hunter2-hunter2-hunter2!"
SECRETS = {
    "C2C__REDIS__URL": f"redis://:{PASSWORD}@h:6379",
    "C2C__REDIS__OPTIONS": f"password={PASSWORD},socket_timeout=5",
    "C2C__REDIS__BROADCAST_SECRET": PASSWORD,
    "C2C__SENTRY__DSN": f"https://{PASSWORD}@h/1",
    "C2C__AUTH__SECRET": PASSWORD,
    "C2C__AUTH__JWT__SECRET": PASSWORD,
    "C2C__AUTH__JWT__PREVIOUS_SECRETS": PASSWORD,
    "C2C__AUTH__GITHUB__CLIENT_SECRET": PASSWORD,
    "C2C__HEALTH__WEBHOOK": f"https://h/{PASSWORD}",
}


@pytest.fixture
def with_secrets(monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return config.Settings()


def test_secrets_are_not_shown(with_secrets: config.Settings) -> None:
    shown = [
        *(repr(with_secrets), str(with_secrets), f"{with_secrets}", repr(with_secrets.redis.options)),
        *(repr(with_secrets.model_dump()), with_secrets.model_dump_json(), repr(with_secrets.auth.secret)),
    ]
    for text in shown:
        assert "hunter2" not in text


def test_secrets_are_strings(with_secrets: config.Settings) -> None:
    secret = with_secrets.auth.secret
    assert isinstance(secret, str)
    assert secret == PASSWORD
    assert f"{secret}" == PASSWORD
    assert json.dumps(secret) == json.dumps(PASSWORD)
    assert hash(secret) == hash(PASSWORD)
    assert type(secret[:3]) is str


def test_an_assigned_secret_is_masked_too(with_secrets: config.Settings) -> None:
    with_secrets.auth.secret = "hunter3"
    assert with_secrets.auth.secret == "hunter3"
    assert "hunter3" not in repr(with_secrets)


def test_a_group_can_be_given_and_replaced() -> None:
    settings = config.Settings(redis=type(config.Settings().redis)(db=3))
    assert settings.redis.db == 3
    settings.redis = config.Settings().redis
    assert settings.redis.db == 0


def test_assigned_options_are_masked_too(with_secrets: config.Settings) -> None:
    with_secrets.redis.options = {"password": "hunter3", "socket_timeout": 5}
    assert with_secrets.redis.options == {"password": "hunter3", "socket_timeout": 5}
    assert "hunter3" not in repr(with_secrets)


@pytest.mark.parametrize(
    "clone",
    [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301  # made here
    ids=["deepcopy", "pickle"],
)
def test_copies_are_equal_and_masked(
    clone: Callable[[config.Settings], config.Settings], with_secrets: config.Settings
) -> None:
    other = clone(with_secrets)
    assert other == with_secrets
    assert "hunter2" not in repr(other)


def test_secrets_are_not_logged_at_start(
    with_secrets: config.Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    config.Settings()
    assert "hunter2" not in caplog.text


class Lists(BaseSettings):
    """An application's own settings."""

    words: config.StringList = []
    numbers: config.IntList = []
    shares: config.FloatList = []
    wait: config.Duration = config.parse_duration("1s")


def test_applications_use_the_lists_and_the_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORDS": "a, b,,c ", "NUMBERS": "1,2", "SHARES": "0.5,1", "WAIT": "2h30"}.items():
        monkeypatch.setenv(name, value)
    lists = Lists()
    assert lists.words == ["a", "b", "c"]
    assert lists.numbers == [1, 2]
    assert lists.shares == [0.5, 1.0]
    assert lists.wait == config.parse_duration("150m")


def test_lists_in_a_model() -> None:
    class Model(BaseModel):
        words: config.StringList

    assert Model(words="a,b").words == Model(words=["a", "b"]).words == ["a", "b"]


OPTIONS: dict[str, dict[str, Any]] = {
    "socket_timeout=5,ssl=True": {"socket_timeout": 5, "ssl": True},
    " a = 1 , b=x ,": {"a": 1, "b": "x"},
    "a=": {"a": None},
    "socket_timeout=null,timeout=0.5": {"socket_timeout": None, "timeout": 0.5},
    "a=null,b=1.5,c=on": {"a": None, "b": 1.5, "c": True},
    "password=00123,username=on": {"password": "00123", "username": "on"},
    "password=a=b:c": {"password": "a=b:c"},
    "password=a'b,x=c'd": {"password": "a'b", "x": "c'd"},
    'password="a,b",c=1': {"password": "a,b", "c": 1},
    "errors=[a, b],c={d: 1, e: 2}": {"errors": ["a", "b"], "c": {"d": 1, "e": 2}},
}


@pytest.mark.parametrize("text", OPTIONS)
def test_redis_options(text: str) -> None:
    assert parse_options(text) == OPTIONS[text]


@pytest.mark.parametrize(
    "text",
    [
        *("hunter2", "a=1,hunter2", "=1", "a b=1", "a=1,,b=2", "a=[hunter2", "a=!!python/name:x"),
        *("socket_timeout=hunter2", "a=1,max_connections=on", "timeout=[5]"),
    ],
)
def test_wrong_redis_options_are_refused_without_their_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"pair \d") as error:
        parse_options(text)
    assert "hunter2" not in str(error.value)


ADDRESSES = {
    "redis://a": ["redis://a"],
    "redis://a:1,b:2": ["redis://a:1", "redis://b:2"],
    "redis://u:p@a:1,b:2/0?protocol=3": ["redis://u:p@a:1/0?protocol=3", "redis://u:p@b:2/0?protocol=3"],
    "redis://u:p@a:1 , redis://u:p@b:2": ["redis://u:p@a:1", "redis://u:p@b:2"],
    "rediss://[::1]:1,[::2]:2": ["rediss://[::1]:1", "rediss://[::2]:2"],
    "redis://:with,comma@a:1": ["redis://:with,comma@a:1"],
    "redis://:with,comma@a:1,b:2": ["redis://:with,comma@a:1", "redis://:with,comma@b:2"],
    "unix:///run/a,b.sock": ["unix:///run/a,b.sock"],
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses_of_redis(text: str) -> None:
    assert parse_addresses(text) == ADDRESSES[text]
    assert config.Settings(redis={"url": text}).redis.url == text


@pytest.mark.parametrize(
    "text",
    [
        "redis://a:1,",
        "redis://a:1,,b:2",
        "redis://a:1,b:x",
        "redis://a:1,rediss://b:2",
        "redis://a:1,redis://:hunter2@b:2",
        "redis://a:1,http://b:2",
    ],
)
def test_wrong_addresses_of_redis(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(config.ConfigurationError):
        config.Settings(redis={"url": text})
    assert "C2C__REDIS__URL: " in (told := capsys.readouterr().err)
    assert "hunter2" not in told


@pytest.mark.parametrize("text", ["redis://a:99999", "redis://a:x", "redis://:hunter2/more@a:6379"])
def test_a_wrong_port_is_called_by_its_name(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where a slash of the password makes the rest of it look like one."""
    with pytest.raises(config.ConfigurationError):
        config.Settings(redis={"url": text})
    told = capsys.readouterr().err
    assert told.startswith(
        "C2C__REDIS__URL: has a port that is not a number from 0 to 65535; a password must"
    )
    assert "hunter2" not in told


def test_several_addresses_are_those_of_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a cluster only one would be used."""
    config.Settings(redis={"url": "redis://a:1,b:2", "cluster": True}).check()
    with pytest.raises(config.ConfigurationError):
        config.Settings(redis={"url": "redis://a:1,b:2"}).check()
    assert capsys.readouterr().err.startswith("C2C__REDIS__URL: has several addresses; ")


SENTINELS = {
    "a:26379": [("a", 26379)],
    "a.b-c_d:1, 10.0.0.1:65535": [("a.b-c_d", 1), ("10.0.0.1", 65535)],
    "[::1]:26379,[2001:db8::2]:5": [("::1", 26379), ("2001:db8::2", 5)],
}


@pytest.mark.parametrize("text", SENTINELS)
def test_sentinels(text: str) -> None:
    assert parse_sentinels(text) == SENTINELS[text]
    assert config.Settings(redis={"sentinels": text}).redis.sentinels == text


@pytest.mark.parametrize(
    "text",
    ["a", "a:", ":1", "a:0", "a:65536", "a:1,", "::1:5", "[::x]:5", "[]:5", "a:1;b:2", "redis://a:1", "a:१"],
)
def test_wrong_sentinels_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sentinel \d must have the form host:port"):
        parse_sentinels(text)


def test_sentry_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """In lower case, empty values kept."""
    for name, value in {"SERVICE": "api", "EMPTY": "", "A__B": "x"}.items():
        monkeypatch.setenv(f"C2C__SENTRY__TAG_{name}", value)
    assert config.Settings().sentry.tags == {"service": "api", "empty": "", "a__b": "x"}


def test_every_field_is_a_keyword_of_the_sdk() -> None:
    """Applications pass the dump to `sentry_sdk.init`."""
    assert set(config.Settings().sentry.model_dump()) <= set(DEFAULT_OPTIONS)


def test_the_sdk_takes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event passes the SDK's whole client with all settings set."""
    events: list[Any] = []

    class Transport(sentry_sdk.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            events.append(envelope)

    environment = {
        "DSN": "https://key@h/1",
        "EVENT_SCRUBBER": "sentry_sdk.scrubber:EventScrubber",
        "CA_CERTS": "",
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"C2C__SENTRY__{name}", value)
    fields = config.Settings().sentry.model_dump()
    assert isinstance(fields["event_scrubber"], sentry_sdk.scrubber.EventScrubber)
    options = {name: value for name, value in fields.items() if value is not None}
    client = sentry_sdk.Client(**options, transport=Transport(), default_integrations=False)
    client.capture_event({"message": "text", "extra": {"password": "hunter2"}})
    client.close()
    assert len(events) == 1
    assert "hunter2" not in str(events[0].items[0].payload.json)


def test_a_scrubber_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2C__SENTRY__EVENT_SCRUBBER", "json:dumps")
    with pytest.raises(config.ConfigurationError, match="must be module:name of an EventScrubber"):
        config.Settings()


def test_the_import_leaves_out_what_is_seldom_needed() -> None:
    """Measured in a fresh interpreter."""
    seldom = {"yaml", "difflib", "fastapi", "redis"}
    code = f"import sys, c2casgiutils.config; print({seldom} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("text", ["none", "None", " NONE "])
def test_no_scope(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """`none` asks for no scope, which nothing else can say: an empty value counts as unset."""
    monkeypatch.setenv("C2C__AUTH__GITHUB__SCOPE", text)
    assert config.Settings().auth.github.scope == ""


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (None, "repo"),
        ("", "repo"),
        (" ", "repo"),
        ("read:org", "read:org"),
        ("repo read:org", "repo read:org"),
    ],
)
def test_scope(monkeypatch: pytest.MonkeyPatch, text: str | None, scope: str) -> None:
    """Without a value the scope is `repo`, any other is taken as it is."""
    if text is not None:
        monkeypatch.setenv("C2C__AUTH__GITHUB__SCOPE", text)
    assert config.Settings().auth.github.scope == scope
