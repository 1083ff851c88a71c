from collections.abc import Iterator

import pytest

from c2casgiutils import sentry
from tests.support.fake_sentry import FakeSentry


@pytest.fixture
def fake_sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSentry]:
    """An ingest server; Sentry is off again afterwards."""
    for name in ("SENTRY_DSN", "SENTRY_RELEASE", "SENTRY_ENVIRONMENT", "SENTRY_DEBUG", "GIT_HASH"):
        monkeypatch.delenv(name, raising=False)
    with FakeSentry() as fake:
        yield fake
        sentry.close()
        assert fake.problems == []
