"""The console script `c2casgiutils-stats-db`: statistics of a PostgreSQL database for Prometheus."""

import argparse
import asyncio
import functools
import re
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.error import HTTPError

from c2casgiutils import config, db
from c2casgiutils._threads import run_in_thread
from c2casgiutils.db._urls import read_url
from c2casgiutils.scripts import _console
from c2casgiutils.scripts._statistics import NAMES, Query, Statistics, UnreachableError, describe, read

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_PROGRAM = "c2casgiutils-stats-db"
_JOB = "db_counts"
_PUSH_SECONDS = 30
_PARTIAL, _UNREACHABLE, _NOT_SCRAPED = 1, 4, 5

_EPILOG = """\
examples:
  C2C__STATS_DB__PASSWORD=… %(prog)s --db postgresql://reader@host/database --schema main
  %(prog)s --schema main --extra "SELECT 'orders', count(*) FROM main.orders"
  %(prog)s --schema main --prometheus-url http://pushgateway:9091 --prometheus-instance production

exit codes:
  0  the metrics were read once (or --wait-scrapes times), or pushed
  1  something could not be read; the rest was served or pushed
  2  an argument is wrong
  3  a setting is invalid, or the port is not available
  4  the database or the Pushgateway is unreachable
  5  nobody read the metrics within --wait-timeout
  130, 143  ended by SIGINT, SIGTERM
"""

_T = TypeVar("_T")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Read the statistics, then push them, or serve them until they were read.

    Args:
        arguments: By default those of the command line.

    Raises:
        SystemExit: Always; the codes are in the help.
    """
    parser = _create_parser()
    options = parser.parse_args(arguments)
    settings = config.settings
    if not options.prometheus_url and settings.prometheus.port == 0:
        parser.error("give --prometheus-url, or a port: C2C__PROMETHEUS__PORT is 0")
    options.queries = _queries(parser, options)
    options.database, options.secrets = _database(parser, options.db)
    _console.run(lambda: _run(options))


def _create_parser() -> argparse.ArgumentParser:
    parser = _console.create_parser(
        _PROGRAM,
        "Measure the tables and indexes of a PostgreSQL database. The metrics are pushed to a\n"
        "Pushgateway, or served on C2C__PROMETHEUS__ADDRESS and C2C__PROMETHEUS__PORT until they were read.",
        _EPILOG,
    )
    add = parser.add_argument
    add(
        "--db",
        metavar="URL",
        help="the database (default: C2C__DB__URL); its password also by C2C__STATS_DB__PASSWORD",
    )
    add("--schema", action="append", metavar="NAME", help="measure this schema (default: public); repeatable")
    add(
        "--extra",
        action="append",
        default=[],
        metavar="SQL",
        help="rows (metric, value) become the gauge database_extra{metric}; repeatable",
    )
    add(
        "--extra-gauge",
        action="append",
        default=[],
        nargs=3,
        metavar=("SQL", "NAME", "HELP"),
        help="rows (metric, value) become the gauge database_NAME{metric}; repeatable",
    )
    add(
        "--prometheus-url", "--prometheus_url", type=_push_url, metavar="URL", help="push to this Pushgateway"
    )
    add(
        "--prometheus-instance",
        "--prometheus_instance",
        metavar="NAME",
        help="label instance of what is pushed, so that several do not replace each other",
    )
    add("--wait-scrapes", type=_positive, default=1, metavar="N", help="end after N scrapes (default: 1)")
    add(
        "--wait-timeout",
        type=_console.duration,
        metavar="DURATION",
        help="end if nobody reads (default: never)",
    )
    return parser


def _push_url(text: str) -> urllib.parse.SplitResult:
    parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError("must be an http or https URL")
    try:
        _ = parts.port
    except ValueError:
        raise argparse.ArgumentTypeError("must be an http or https URL") from None
    return parts


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, at least 1")
    return int(text)


def _queries(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Query]:
    queries = [Query("--extra", sql) for sql in options.extra]
    taken = set(NAMES)
    for sql, name, text in options.extra_gauge:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            parser.error(f"argument --extra-gauge: {name!r} is not the name of a metric")
        if name in taken:
            parser.error(f"argument --extra-gauge: there is already a metric {name}")
        taken.add(name)
        queries.append(Query("--extra-gauge", sql, name, text))
    return queries


def _database(parser: argparse.ArgumentParser, text: str | None) -> tuple[db.Database, list[str]]:
    """Return the database, and what must not be shown."""
    given = text or config.settings.db.url
    if not given:
        parser.error("argument --db: is missing, and C2C__DB__URL is not set")
    try:
        url = read_url(given, "argument --db" if text else "C2C__DB__URL")
    except (db.DatabaseConfigurationError, db.MissingDriverError) as error:
        parser.error(str(error))
    if url.get_backend_name() != "postgresql":
        parser.error("argument --db: must be the URL of a PostgreSQL database")
    password = config.settings.stats_db.password
    url = url.set(password=password) if password else url
    secrets = [str(url.password)] if url.password else []
    return db.Database(url, name="stats", pool_size=1, max_overflow=0), secrets


async def _run(options: argparse.Namespace) -> int:
    progress = _console.Progress()
    try:
        return await _measure_and_publish(options, progress)
    except UnreachableError as error:
        progress.clear()
        _console.report(_PROGRAM, str(error), options.secrets)
        return _UNREACHABLE
    finally:
        progress.clear()
        await options.database.aclose()


async def _measure_and_publish(options: argparse.Namespace, progress: _console.Progress) -> int:
    prefix, schemas = config.settings.prometheus.prefix, options.schema or ["public"]
    statistics = await _tried(
        lambda: read(options.database, prefix, schemas, options.queries, progress.show), progress
    )
    await options.database.aclose()  # no connection is kept while it waits
    progress.clear()
    for what, error in statistics.failures:
        _console.report(_PROGRAM, f"{what}: {describe(error)}", options.secrets)
    if options.prometheus_url:
        await _tried(lambda: _push(options, _registry(statistics)), progress)
    elif not await _serve(options, _registry(statistics), progress):
        progress.clear()
        _console.report(_PROGRAM, "nobody read the metrics within --wait-timeout")
        return _NOT_SCRAPED
    return _PARTIAL if statistics.failures else 0


async def _tried(work: Callable[[], Awaitable[_T]], progress: _console.Progress) -> _T:
    """Return the result, after some more tries while the server is unreachable.

    Raises:
        UnreachableError: The last try failed, too.
    """
    settings = config.settings.stats_db
    for number in range(1, settings.try_number):
        try:
            return await work()
        except UnreachableError as error:
            progress.show(f"try {number} of {settings.try_number}: {' '.join(str(error).split())}")
        await asyncio.sleep(settings.sleep.total_seconds())
    return await work()


def _registry(statistics: Statistics) -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(statistics)
    return registry


async def _push(options: argparse.Namespace, registry: "CollectorRegistry") -> None:
    """Replace what was pushed before.

    Raises:
        UnreachableError: The Pushgateway does not answer, or does not accept it.
    """
    from prometheus_client import push_to_gateway
    from prometheus_client.exposition import basic_auth_handler, default_handler

    parts: urllib.parse.SplitResult = options.prometheus_url
    user, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
    with_credentials = functools.partial(basic_auth_handler, username=user, password=password)
    arguments: dict[str, Any] = {
        "job": _JOB,
        "registry": registry,
        "grouping_key": {"instance": options.prometheus_instance} if options.prometheus_instance else None,
        "timeout": _PUSH_SECONDS,
        "handler": with_credentials if parts.username else default_handler,
    }
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    try:
        await run_in_thread(functools.partial(push_to_gateway, url, **arguments), name="c2c-push")
    except (OSError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise UnreachableError(f"the Pushgateway {parts.hostname}: {error}") from error


async def _serve(
    options: argparse.Namespace, registry: "CollectorRegistry", progress: _console.Progress
) -> bool:
    """Serve the metrics, and return whether they were read."""
    from c2casgiutils.scripts._scrapes import ScrapeServer

    settings = config.settings.prometheus
    try:
        server = ScrapeServer(settings.address, settings.port, registry, options.wait_scrapes)
    except OSError as error:
        config.end_start([f"C2C__PROMETHEUS__PORT: cannot listen on {settings.port}: {error.strerror}"])
    progress.show(f"waiting for a scrape of {settings.address} port {settings.port}")
    timeout = options.wait_timeout.total_seconds() if options.wait_timeout else None
    with server:
        try:
            async with asyncio.timeout(timeout):
                await server.wait()
        except TimeoutError:
            return False
    return True


if __name__ == "__main__":
    main()
