"""The URLs of databases, and the options that make their engines safe."""

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from c2casgiutils.config.db import ASYNC_DRIVERS, check_database_url
from c2casgiutils.db._errors import DatabaseConfigurationError, MissingDriverError

if TYPE_CHECKING:
    from sqlalchemy import URL

_CONNECT_SECONDS = 5
_CONNECT_TIMEOUTS = {"psycopg": "connect_timeout", "psycopg_async": "connect_timeout", "asyncpg": "timeout"}
_PACKAGES = {"psycopg": "psycopg", "psycopg_async": "psycopg", "asyncpg": "asyncpg", "aiosqlite": "aiosqlite"}
_EXTRAS = {"psycopg": "c2casgiutils[postgresql]", "aiosqlite": "c2casgiutils[sqlite]", "asyncpg": "asyncpg"}


def read_url(text: "str | URL", what: str = "url") -> "URL":
    """Return a URL with its async driver.

    Args:
        text: The URL, as SQLAlchemy has it.
        what: How the parameter or the setting is named.

    Raises:
        DatabaseConfigurationError: Not the URL of a database that this library works with; the message does
            not contain it.
        MissingDriverError: SQLAlchemy or the driver is not installed.
    """
    _require("sqlalchemy", "c2casgiutils[sqlalchemy]", what)
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    try:
        # its text would have the blanks of a password as they are
        check_database_url(f"{text.drivername}://" if isinstance(text, URL) else text)
    except ValueError as error:
        raise DatabaseConfigurationError(f"{what}: {error}") from None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # whose text may hold a part of the password
        raise DatabaseConfigurationError(f"{what}: is not a valid URL of a database") from None
    url = url.set(drivername=ASYNC_DRIVERS[url.drivername])
    package = _PACKAGES[url.get_driver_name()]
    _require(package, _EXTRAS[package], what)
    return url


def _require(package: str, extra: str, what: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise MissingDriverError(f"{what}: the package {package} is missing: install {extra}", name=package)


def engine_options(url: "URL", options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an engine: those given, and what they leave open.

    Connecting ends after some seconds, and errors do not show the values of a statement. An SQLite database
    in memory has one connection, which its sessions use in turn.

    Args:
        url: Of the engine.
        options: As `create_async_engine` takes them.
    """
    complete = {"hide_parameters": True, **options}
    timeout = _CONNECT_TIMEOUTS.get(url.get_driver_name())
    if timeout is not None and timeout not in url.query:
        complete["connect_args"] = {timeout: _CONNECT_SECONDS, **complete.get("connect_args", {})}
    if is_in_memory(url) and "poolclass" not in complete:
        complete |= {"pool_size": 1, "max_overflow": 0, "pool_recycle": -1}
    return complete


def is_in_memory(url: "URL") -> bool:
    """Return whether the database is an SQLite database that ends with its connection."""
    if url.get_backend_name() != "sqlite":
        return False
    database = url.database or ""
    return database in {"", ":memory:"} or ":memory:" in database or url.query.get("mode") == "memory"
