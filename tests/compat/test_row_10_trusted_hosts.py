"""Row 10: applications iterate over `settings.proxy_headers.trusted_hosts`."""

import pytest

from c2casgiutils import config


def test_trusted_hosts_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(config.Settings().proxy_headers.trusted_hosts) == ["127.0.0.1"]
    monkeypatch.setenv("C2C__PROXY_HEADERS__TRUSTED_HOSTS", "10.0.0.0/8, ::1")
    assert list(config.Settings().proxy_headers.trusted_hosts) == ["10.0.0.0/8", "::1"]
