"""The log table, in SQLite and PostgreSQL."""

import datetime
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from c2casgiutils import logs
from tests.support.fresh import in_children, run_fresh
from tests.support.net import SOON_SECONDS, wait_for
from tests.support.postgres import PASSWORD, PostgresServer

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def attach(logger: logging.Logger, *arguments: Any, **options: Any) -> logs.SqlHandler:
    handler = logs.SqlHandler(*arguments, **options)
    logger.addHandler(handler)
    return handler


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Rows]:
    """The URL of a database without a log table, and a function that asks it."""
    if request.param == "sqlite":
        file = tmp_path / "logs.sqlite"

        def ask_sqlite(statement: str) -> list[tuple[Any, ...]]:
            with closing(sqlite3.connect(file)) as connection:
                return connection.execute(statement).fetchall()

        return f"sqlite:///{file}", ask_sqlite
    server: PostgresServer = request.getfixturevalue("postgres")
    server.ensure_up()

    def ask_postgres(statement: str) -> list[tuple[Any, ...]]:
        with server.connect() as connection:
            return connection.execute(statement).fetchall()

    with server.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS logs")
    return server.url("postgresql"), ask_postgres


def test_the_columns(logger: logging.Logger, database: tuple[str, Rows]) -> None:
    """The message has its arguments, the traceback is that of the record; neither has secrets."""
    url, ask = database
    handler = attach(logger, url)
    start = datetime.datetime.now(tz=datetime.UTC)
    try:
        int("token=hunter2")
    except ValueError:
        logger.exception("failed for %s", "/?secret=hunter2")
    logger.warning("text")
    handler.flush()
    (first, second) = ask("SELECT * FROM logs ORDER BY id")
    assert first[1:3] == ("my_app.views", "ERROR")
    assert first[3].endswith("with base 10: 'token=***'")
    assert first[4] == "failed for /?secret=***"
    assert second[1:5] == ("my_app.views", "WARNING", None, "text")
    created = first[5]
    if isinstance(created, str):
        created = datetime.datetime.fromisoformat(created).replace(tzinfo=datetime.UTC)
    assert datetime.timedelta(seconds=-1) < created - start < datetime.timedelta(seconds=30)


def test_nothing_of_a_burst_is_lost(logger: logging.Logger, database: tuple[str, Rows]) -> None:
    """All records, in their order; who logs does not wait for the database."""
    url, ask = database
    handler = attach(logger, url)
    for number in range(10_000):
        logger.info("record %d", number)
    wait_for(lambda: not handler._count(), what="an empty queue")
    assert handler.dropped == 0
    assert [row[0] for row in ask("SELECT msg FROM logs ORDER BY id")] == [
        f"record {n}" for n in range(10_000)
    ]


def test_records_arrive_without_a_flush(logger: logging.Logger, database: tuple[str, Rows]) -> None:
    """Within about a second; the table exists already for the second handler."""
    url, ask = database
    for number in range(2):
        attach(logger, url)
        logger.info("text")
        logger.handlers.pop().flush()
        assert len(ask("SELECT msg FROM logs")) == number + 1
    handler = attach(logger, url)
    logger.info("last")
    wait_for(lambda: ("last",) in ask("SELECT msg FROM logs"), what="the row")
    handler.close()


def test_any_text(logger: logging.Logger, database: tuple[str, Rows]) -> None:
    """Also what no encoding can write and what the database cannot store."""
    url, ask = database
    handler = attach(logger, url)
    for text in ("a\0b", "\ud800", "\N{GRINNING FACE}", "x" * 100_000):
        logger.info("before %s", text)
    logger.info("after")
    handler.flush()
    *messages, last = [row[0] for row in ask("SELECT msg FROM logs ORDER BY id")]
    assert (len(messages), last, handler.dropped) == (4, "after", 0)
    assert messages[:3] == ["before a\\x00b", "before \\ud800", "before \N{GRINNING FACE}"]
    assert messages[3].startswith("before xxx")


def test_the_end_of_the_process(database: tuple[str, Rows]) -> None:
    """Everything of a burst is written; a configuration file names the handler."""
    url, ask = database
    configuration = {
        "version": 1,
        "handlers": {"sql": {"class": "c2casgiutils.logs.SqlHandler", "url": url}},
        "root": {"level": "INFO", "handlers": ["sql"]},
    }
    code = f"import logging.config\nlogging.config.dictConfig({configuration!r})\n"
    done = run_fresh(code + "for number in range(10_000): logging.info('%d', number)")
    assert (done.returncode, done.stderr) == (0, "")
    assert ask("SELECT count(*), count(DISTINCT msg) FROM logs") == [(10_000, 10_000)]


def test_forked_processes(database: tuple[str, Rows]) -> None:
    """Each writes its own records, over connections of its own, and creates the table if it is the first."""
    url, ask = database
    code = (
        "import logging, os\nfrom c2casgiutils import logs\n"
        f"logging.root.addHandler(logs.SqlHandler({url!r}))\n"
        "logging.warning('parent')\n"
    )
    code += in_children("for number in range(100): logging.warning('child')\n        logging.shutdown()")
    done = run_fresh(code)
    assert done.returncode == 0, done.stderr
    assert sorted(ask("SELECT msg, count(*) FROM logs GROUP BY msg")) == [("child", 300), ("parent", 1)]


def test_the_logger_of_sqlalchemy(logger: logging.Logger, database: tuple[str, Rows]) -> None:
    """Writing to the table creates records; they are not written, or it would never end."""
    url, ask = database
    engines = logging.getLogger("sqlalchemy.engine")
    handlers = [attach(logger, url), attach(logger, url)]
    engines.setLevel(logging.DEBUG)
    try:
        for handler in handlers:
            engines.addHandler(handler)
        logger.info("text")
        for handler in [*handlers, *handlers]:
            handler.flush()
        time.sleep(1.5)
        assert {row[0] for row in ask("SELECT msg FROM logs")} == {"text"}
    finally:
        engines.setLevel(logging.NOTSET)
        for handler in handlers:
            engines.removeHandler(handler)


def test_quoted_names(logger: logging.Logger, postgres: PostgresServer) -> None:
    """Names that need quotes; the schema is created."""
    postgres.ensure_up()
    for table, schema in (('My "logs"; --', "a b"), ("select", "User"), ("select", "User")):
        handler = attach(logger, postgres.url("postgresql+asyncpg"), table, schema)
        logger.info("text")
        handler.flush()
        assert handler.dropped == 0
        logger.removeHandler(handler)
    with postgres.connect() as connection:
        assert connection.execute('SELECT count(*) FROM "a b"."My ""logs""; --"').fetchone() == (1,)
        assert connection.execute('SELECT count(*) FROM "User"."select"').fetchone() == (2,)


def test_a_server_that_is_away(
    logger: logging.Logger, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Who logs does not wait, the outage is one line without the password, and nothing is lost."""
    postgres.ensure_up()
    handler = attach(logger, postgres.url(), "away")
    logger.info("before")
    handler.flush()
    postgres.stop()
    start = time.monotonic()
    for number in range(1000):
        logger.info("%d", number)
    assert time.monotonic() - start < SOON_SECONDS
    handler.flush()
    wait_for(lambda: "The log table cannot be written" in caplog.text, what="the outage in the log")
    postgres.start()
    wait_for(lambda: "The log table is written again" in caplog.text, what="the end of the outage")
    handler.flush()
    with postgres.connect() as connection:
        assert connection.execute("SELECT count(*) FROM away").fetchone() == (1001,)
    assert caplog.text.count("cannot be written") == 1
    assert PASSWORD not in caplog.text
    assert postgres.connections() == 0


def test_a_table_that_is_dropped(
    logger: logging.Logger, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is created again."""
    postgres.ensure_up()
    handler = attach(logger, postgres.url(), "dropped")
    logger.info("before")
    handler.flush()
    with postgres.connect() as connection:
        connection.execute("DROP TABLE dropped")
    logger.info("after")
    handler.flush()
    wait_for(lambda: "is written again" in caplog.text, what="the end of the outage")
    with postgres.connect() as connection:
        assert connection.execute("SELECT msg FROM dropped").fetchall() == [("after",)]


def test_rows_that_the_table_rejects(
    logger: logging.Logger, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """They are dropped and counted alone, with one line for all of them."""
    postgres.ensure_up()
    with postgres.connect() as connection:
        connection.execute(
            "CREATE TABLE strict (id serial, logger text, level text CHECK (level != 'INFO'), trace text,"
            " msg text, created_at timestamp)"
        )
    handler = attach(logger, postgres.url(), "strict")
    for level in (20, 30, 20, 30):
        logger.log(level, "text")
    handler.flush()
    with postgres.connect() as connection:
        assert connection.execute("SELECT level FROM strict").fetchall() == [("WARNING",), ("WARNING",)]
    assert handler.dropped == 2
    assert caplog.text.count("The log table rejects records: IntegrityError") == 1


def test_sqlite_that_another_process_locks(
    logger: logging.Logger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows are written once the lock is gone."""
    file = tmp_path / "logs.sqlite"
    handler = attach(logger, f"sqlite+aiosqlite:///{file}?timeout=0.1")
    logger.info("before")
    handler.flush()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        logger.info("after")
        handler.flush()
        assert "database is locked" in caplog.text
        connection.rollback()
        wait_for(lambda: "is written again" in caplog.text, what="the end of the outage")
        assert connection.execute("SELECT count(*) FROM logs").fetchone() == (2,)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("no url",), "url must be the URL of a database"),
        (("sqlite://", ""), "table and schema must not be empty"),
        (("sqlite://", "logs", ""), "table and schema must not be empty"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        logs.SqlHandler(*arguments)


def test_a_wrong_url_is_not_shown() -> None:
    """It may hold a password."""
    with pytest.raises(ValueError, match="url must be") as raised:
        logs.SqlHandler("postgresql:://me:hunter2@host")
    assert "hunter2" not in repr(raised.value)
    assert raised.value.__cause__ is None
