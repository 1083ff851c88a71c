"""Following and what else takes records: Sentry, structlog, the child of a fork."""

import logging
import os
import sys
from collections.abc import Iterator

import pytest
import sentry_sdk
import structlog

from c2casgiutils import logs
from tests.support.fake_sentry import FakeSentry
from tests.unit.follow.test_interception import Following, followed


@pytest.fixture
def fake_sentry() -> Iterator[FakeSentry]:
    """An ingest server."""
    with FakeSentry() as fake:
        sentry_sdk.init(fake.dsn, default_integrations=True)
        yield fake
        sentry_sdk.get_client().close(2)
        sentry_sdk.get_global_scope().set_client(None)


def test_sentry_sees_what_it_would_see_without(fake_sentry: FakeSentry) -> None:
    """Lines that exist only because of a follow are no breadcrumbs of an event."""
    logger = logging.getLogger("followed.with_sentry")
    logger.setLevel(logging.WARNING)
    with Following() as following, followed():
        logger.info("only followed")
        logger.warning("always")
        logger.error("the event")
    assert len(following.told) == 3
    (event,) = fake_sentry.wait_for_events()
    assert event["logentry"]["message"] == "the event"
    crumbs = [crumb.get("message") for crumb in event["breadcrumbs"]["values"]]
    assert "always" in crumbs
    assert "only followed" not in crumbs
    logger.setLevel(logging.NOTSET)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only on Unix")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_the_child_of_a_fork_keeps_its_log() -> None:
    """A process that was forked during a follow writes what it would write without."""
    logger = logging.getLogger("followed.forked")
    logger.setLevel(logging.WARNING)
    with Following():
        pid = os.fork()
        if pid == 0:
            written = []

            class Sink(logging.Handler):
                def emit(self, record: logging.LogRecord) -> None:
                    written.append(record.getMessage())

            logger.addHandler(Sink())
            logger.debug("surplus")
            logger.warning("written")
            os._exit(0 if written == ["written"] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert logs.own_level(logger) == logging.WARNING
    logger.setLevel(logging.NOTSET)


def test_structlog(capsys: pytest.CaptureFixture[str]) -> None:
    """Its loggers on top of the standard library are followed, too, and write what they would without."""
    handler = logging.StreamHandler(sys.stdout)
    logging.getLogger("followed.structlog").addHandler(handler)
    logging.getLogger("followed.structlog").setLevel(logging.WARNING)
    logger = structlog.wrap_logger(
        logging.getLogger("followed.structlog"),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
    )
    with Following() as following, followed():
        logger.debug("details", order=42)
        logger.warning("done")
    assert following.told == ["DEBUG followed.structlog details", "WARNING followed.structlog done"]
    assert capsys.readouterr().out == "done\n"
    logging.getLogger("followed.structlog").removeHandler(handler)
    logging.getLogger("followed.structlog").setLevel(logging.NOTSET)
