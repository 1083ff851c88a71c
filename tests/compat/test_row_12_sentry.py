"""Row 12: Sentry initialised from the settings, as the README of 0.x says."""

import warnings

import pytest
import sentry_sdk

from c2casgiutils import config, sentry
from tests.support.fake_sentry import FakeSentry


def test_the_whole_dump_initialises_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """`**model_dump()` is accepted as it is, and an event arrives with the tags of the settings."""
    with FakeSentry() as fake:
        monkeypatch.setenv("C2C__SENTRY__DSN", fake.dsn)
        monkeypatch.setenv("C2C__SENTRY__TAG_TEAM", "maps")
        settings = config.Settings()
        assert settings.sentry.url == fake.dsn
        if settings.sentry.url:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The send_default_pii option", DeprecationWarning)
                sentry_sdk.init(**settings.sentry.model_dump())
        for tag, value in settings.sentry.tags.items():
            sentry_sdk.set_tag(tag, value)
        sentry_sdk.capture_message("hello")
        sentry.close()
        assert [event["message"] for event in fake.events] == ["hello"]
        assert fake.events[0]["tags"]["team"] == "maps"


def test_url_is_the_dsn() -> None:
    """Both names read and write one value; without a DSN both are none."""
    settings = config.Settings().sentry
    assert settings.url is None
    settings.url = "https://key@example.com/1"
    assert settings.dsn == "https://key@example.com/1"
    assert "key@" not in repr(settings)
    assert "url" not in settings.model_dump()
