"""Dangerous settings: accepted, and one warning each at the start."""

import logging

import pytest
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config

DANGERS = {
    "PROXY_HEADERS__TRUSTED_HOSTS": {"PROXY_HEADERS__TRUSTED_HOSTS": "10.0.0.1,*"},
    "AUTH__GITHUB__ACCESS_TYPE_ADMIN": {
        "AUTH__GITHUB__ACCESS_TYPE_ADMIN": "pull",
        "AUTH__GITHUB__ALLOW_PUBLIC_PULL": "True",
    },
    "AUTH__GITHUB__ACCESS_TYPE_READ_WRITE": {
        "AUTH__GITHUB__ACCESS_TYPE_READ_WRITE": "pull",
        "AUTH__GITHUB__ALLOW_PUBLIC_PULL": "True",
    },
    "HEALTH__DETAILS": {"HEALTH__DETAILS": "always"},
    "PROMETHEUS__ADDRESS": {"PROMETHEUS__ADDRESS": "0.0.0.0"},
    "AUTH__GITHUB__PERMISSION_TTL": {"AUTH__GITHUB__PERMISSION_TTL": "25h"},
}
HARMLESS = {
    "defaults": {},
    "named proxies": {"PROXY_HEADERS__TRUSTED_HOSTS": "10.0.0.0/8"},
    "pull for administrators of a private repository": {"AUTH__GITHUB__ACCESS_TYPE_ADMIN": "pull"},
    "public pull for reading": {"AUTH__GITHUB__ALLOW_PUBLIC_PULL": "True"},
    "no port of the metrics": {"PROMETHEUS__ADDRESS": "::", "PROMETHEUS__PORT": "0"},
    "metrics on one address": {"PROMETHEUS__ADDRESS": "10.0.0.1"},
    "a day": {"AUTH__GITHUB__PERMISSION_TTL": "1d"},
    "details for those who may read": {"HEALTH__DETAILS": "authorized"},
}


async def _warnings(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(f"C2C__{name}", value)
    config.settings = config.Settings()
    with caplog.at_level(logging.WARNING, "c2casgiutils"):
        async with c2casgiutils.lifespan(FastAPI()):
            pass
    return [record.getMessage() for record in caplog.records if "C2C__" in record.getMessage()]


@pytest.mark.parametrize("name", DANGERS)
async def test_a_dangerous_setting_is_one_warning_at_the_start(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The one warning names the variable."""
    (warning,) = await _warnings(DANGERS[name], monkeypatch, caplog)
    assert warning.startswith(f"C2C__{name} ")


@pytest.mark.parametrize("name", HARMLESS)
async def test_harmless_settings_are_no_warning(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What comes closest to a dangerous setting is silent."""
    assert await _warnings(HARMLESS[name], monkeypatch, caplog) == []


def test_dangers_of_redis() -> None:
    """Both the shared prefix and the missing secret are named; with both set there is nothing to say."""
    assert [danger.split()[0] for danger in config.redis_dangers(config.Redis())] == [
        "C2C__REDIS__BROADCAST_PREFIX",
        "C2C__REDIS__BROADCAST_SECRET",
    ]
    safe = config.Redis(broadcast_prefix="mine_", broadcast_secret="a long secret of all processes")
    assert list(config.redis_dangers(safe)) == []
