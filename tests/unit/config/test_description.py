"""The settings as they may be shown."""

import json
from typing import Any

import pytest

from c2casgiutils import config
from c2casgiutils._secrets import MASK
from c2casgiutils.config._environment import variables

SECRETS = {
    "C2C__AUTH__SECRET": "hunter2-of-the-service",
    "C2C__AUTH__JWT__SECRET": "0123456789abcdef-first",
    "C2C__AUTH__JWT__PREVIOUS_SECRETS": "0123456789abcdef-second,0123456789abcdef-third",
    "C2C__AUTH__GITHUB__CLIENT_SECRET": "client-secret-of-mine",
    "C2C__REDIS__URL": "redis://:p@ss/word@cache:6379/0",
    "C2C__REDIS__OPTIONS": "username=somebody,password=another-word,ssl_password=third-word,socket_timeout=5",
    "C2C__REDIS__BROADCAST_SECRET": "0123456789abcdef-signs",
    "C2C__REDIS__BROADCAST_PREFIX": "mine_",
    "C2C__DB__URL": "postgresql://user:db-word@host/db",
    "C2C__SENTRY__DSN": "https://public-key@sentry.example/1",
    "C2C__HEALTH__WEBHOOK": "https://hooks.example/services/T000/B000/XXXX",
    "C2C__PROMETHEUS__BEARER": "token-of-the-scraper",
    "C2C__AUTH__PUBLIC_URL": "https://somebody:pass-in-url@example.com",
    "C2C__SENTRY__SERVER_NAME": "named-hunter2-of-the-service-here",
    "C2C__SENTRY__TAG_API_KEY": "key-in-a-tag",
}
PARTS = [
    *(
        "hunter2",
        "0123456789abcdef",
        "client-secret",
        "p@ss",
        "word@",
        "another-word",
        "third-word",
        "db-word",
    ),
    *("public-key", "XXXX", "token-of", "pass-in-url", "key-in-a-tag"),
]


def describe() -> dict[str, config.Described]:
    return {one.name: one for one in config.describe_settings(config.settings)}


def test_each_setting_is_there() -> None:
    """Each variable of the settings is described, by default as such."""
    found = describe()
    assert list(found) == [name for name, _ in variables(config.Settings)]
    assert {one.source for one in found.values()} == {"default"}
    assert all(one.is_default for one in found.values())
    json.dumps([one.shown for one in found.values()], allow_nan=False)


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret is shown, whether of a secret setting, in a URL, in an option, a tag or another setting."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    config.settings = config.Settings()
    found = describe()
    text = json.dumps([one.shown for one in found.values()])
    assert [part for part in PARTS if part in text] == []
    assert {name for name in SECRETS if not found[name.replace("TAG_API_KEY", "TAGS")].is_secret} == {
        "C2C__REDIS__BROADCAST_PREFIX"
    }
    assert found["C2C__REDIS__OPTIONS"].shown["socket_timeout"] == 5
    assert found["C2C__AUTH__JWT__PREVIOUS_SECRETS"].shown == [MASK, MASK]
    assert found["C2C__AUTH__PUBLIC_URL"].shown == f"https://{MASK}@example.com"


def test_secret_that_was_not_validated() -> None:
    """A secret that the application sets without validation is one by the type of its setting."""
    config.settings.auth = config.settings.auth.model_copy(update={"secret": "plain text of a secret"})
    found = describe()["C2C__AUTH__SECRET"]
    assert (found.shown, found.is_secret) == (MASK, True)


def test_secret_that_is_not_set() -> None:
    """A secret setting is one without a value, too."""
    found = describe()
    names = {name for name, one in found.items() if one.is_secret}
    assert {"C2C__AUTH__SECRET", "C2C__DB__URL", "C2C__AUTH__JWT__PREVIOUS_SECRETS"} <= names
    assert {found[name].shown for name in names if name != "C2C__AUTH__JWT__PREVIOUS_SECRETS"} == {None}
    assert "C2C__AUTH__THROTTLE_TOTAL" not in names


@pytest.mark.parametrize(
    ("name", "value", "setting", "shown"),
    [
        ("C2C__HEALTH__TIMEOUT", "5m", "C2C__HEALTH__TIMEOUT", "PT5M"),
        ("c2c__health__timeout", "5m", "C2C__HEALTH__TIMEOUT", "PT5M"),
        ("C2C__HEALTH", '{"timeout": "5m"}', "C2C__HEALTH__TIMEOUT", "PT5M"),
        ("C2C__AUTH__COOKIE", "mine", "C2C__AUTH__JWT__COOKIE__NAME", "mine"),
        ("C2C__SENTRY__TAG_TEAM", "maps", "C2C__SENTRY__TAGS", {"team": "maps"}),
        ("C2C__SENTRY__INTEGRATIONS__LOGGING", "off", "C2C__SENTRY__INTEGRATIONS", {"logging": False}),
        ("C2C__JSON__PRETTY_PRINT", "1", "C2C__JSON__PRETTY_PRINT", True),
        ("C2C__HTTP", "1", "C2C__HTTP", True),
        ("C2C__AUTH__GITHUB__ACCESS_TYPE_ADMIN", "push", "C2C__AUTH__GITHUB__ACCESS_TYPE_ADMIN", "push"),
    ],
)
def test_environment(
    name: str, value: str, setting: str, shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value from the environment is recognised, by whichever name."""
    monkeypatch.setenv(name, value)
    config.settings = config.Settings()
    found = describe()
    assert (found[setting].shown, found[setting].source, found[setting].is_default) == (
        shown,
        "environment",
        False,
    )
    assert [one.name for one in found.values() if one.source != "default"] == [setting]


def test_environment_with_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with the value of the default is of the environment, and the default."""
    monkeypatch.setenv("C2C__HEALTH__TTL", "1s")
    monkeypatch.setenv("C2C__HEALTH__TIMEOUT", " ")
    config.settings = config.Settings()
    found = describe()
    assert (found["C2C__HEALTH__TTL"].source, found["C2C__HEALTH__TTL"].is_default) == ("environment", True)
    assert found["C2C__HEALTH__TIMEOUT"].source == "default"


def test_code() -> None:
    """A value that the application sets is recognised."""
    config.settings.tools.docs = True
    config.settings.auth = config.settings.auth.model_copy(update={"throttle_total": float("inf")})
    found = describe()
    assert (found["C2C__TOOLS__DOCS"].source, found["C2C__TOOLS__DOCS"].shown) == ("code", True)
    assert found["C2C__AUTH__THROTTLE_TOTAL"].shown == "inf"
