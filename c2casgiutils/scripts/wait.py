"""The console script `c2casgiutils-wait`: waits for what an application needs, before it starts."""

import argparse
import asyncio
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from c2casgiutils import config, db, redis_utils
from c2casgiutils.health_checks import Alembic, Check, Factory, GlobalResult, Redis, SQLAlchemy, Url
from c2casgiutils.scripts import _console

_PROGRAM = "c2casgiutils-wait"
_TRY_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
_NOT_READY = 1
_ERRORS = 400

_EPILOG = """\
examples:
  %(prog)s db && alembic upgrade head
  %(prog)s alembic --timeout 5m && uvicorn app.main:app
  %(prog)s url http://tiles:8080/c2c/readyz
  %(prog)s redis

exit codes:
  0  it is ready
  1  it was not ready within --timeout
  2  an argument is wrong
  3  a setting is missing or invalid
  130, 143  ended by SIGINT, SIGTERM
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Wait until a health check passes.

    Args:
        arguments: By default those of the command line.

    Raises:
        SystemExit: Always; the codes are in the help.
    """
    parser = _create_parser()
    options = parser.parse_args(arguments)
    check = _check(parser, options)
    _console.run(lambda: _wait(check, options.timeout.total_seconds(), options.what))


def _create_parser() -> argparse.ArgumentParser:
    parser = _console.create_parser(
        _PROGRAM, "Wait until a database, its migrations, a service or Redis is ready.", _EPILOG
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--timeout", type=_console.duration, default="1m", metavar="DURATION", help="default: %(default)s"
    )
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    kinds.add_parser("db", parents=[common], help="the database of C2C__DB__URL answers")
    alembic = kinds.add_parser("alembic", parents=[common], help="this database has all migrations")
    alembic.add_argument("--config", default="alembic.ini", metavar="FILE", help="default: %(default)s")
    url = kinds.add_parser("url", parents=[common], help="a service answers with a status of 200 to 299")
    url.add_argument("address", metavar="ADDRESS", help="an http or https URL")
    kinds.add_parser("redis", parents=[common], help="the Redis of C2C__REDIS__URL or __SENTINELS answers")
    return parser


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Check:
    """Return what to wait for.

    Raises:
        ConfigurationError: A setting is missing or invalid.
    """
    if options.what == "url":
        try:
            return Url(options.address)
        except ValueError:
            parser.error("argument ADDRESS: must be an http or https URL")
    if options.what == "redis":
        redis_utils.check_settings()
        if not redis_utils.is_configured():
            config.end_start(["C2C__REDIS__URL: is missing, and so is C2C__REDIS__SENTINELS"])
        return Redis()
    if not config.settings.db.url:
        config.end_start(["C2C__DB__URL: is missing"])
    database = db.get()
    if options.what == "db":
        return SQLAlchemy(database)
    if importlib.util.find_spec("alembic") is None:
        parser.error("the package alembic is missing: install c2casgiutils[alembic]")
    if not Path(options.config).is_file():
        parser.error(f"argument --config: {options.config} does not exist")
    return Alembic(database, options.config)


async def _wait(check: Check, seconds: float, what: str) -> int:
    factory = Factory()
    factory.add(check, ttl=0, timeout=_TRY_SECONDS)
    progress = _console.Progress()
    started = time.monotonic()
    try:
        while (result := await factory.check()).status_code >= _ERRORS:
            waited = time.monotonic() - started
            if waited >= seconds:
                progress.clear()
                _console.report(_PROGRAM, f"{what} is not ready after {waited:.0f} s: {_reason(result)}")
                return _NOT_READY
            progress.show(f"waiting for {what} since {waited:.0f} s: {_reason(result)}")
            await asyncio.sleep(min(_PAUSE_SECONDS, seconds - waited))
        return 0
    finally:
        progress.clear()
        await factory.aclose()
        await redis_utils.aclose()
        await db.shutdown()


def _reason(result: GlobalResult) -> str:
    failed = next(entity for entity in result.entities if entity.status_code >= _ERRORS)
    return " ".join(str(failed.payload.get("message", failed.payload)).split())


if __name__ == "__main__":
    main()
