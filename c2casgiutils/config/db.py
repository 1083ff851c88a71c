"""Settings of the database."""

import datetime
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from c2casgiutils.config._types import Group, PositiveDuration, Secret, StringList, checked_by

_URL = re.compile(r"(?P<driver>[a-z0-9]+(?:\+[a-z0-9_]+)?)://\S*")
ASYNC_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgresql+psycopg_async": "postgresql+psycopg_async",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
"""The accepted beginnings of a URL, and the driver each of them takes."""


def check_database_url(text: str) -> str:
    """Return the text if it is the URL of a database that this library works with.

    Raises:
        ValueError: It is not; the message does not contain the value, which may hold a password.
    """
    match = _URL.fullmatch(text)
    if match is None or match["driver"] not in ASYNC_DRIVERS:
        accepted = ", ".join(f"{driver}://" for driver in ASYNC_DRIVERS)
        raise ValueError(f"must be a URL that starts with one of {accepted}")
    path = text.partition("://")[2].partition("/")[2].partition("?")[0]
    if not match["driver"].startswith("sqlite") and "@" in path:
        raise ValueError("must have the characters / and @ of its password percent-encoded (%2F, %40)")
    return text


def compile_rules(rules: Iterable[str]) -> list[re.Pattern[str]]:
    """Return the regular expressions.

    Raises:
        ValueError: One is not; the message gives it.
    """
    compiled = []
    for rule in rules:
        try:
            compiled.append(re.compile(rule))
        except re.error as error:
            raise ValueError(f"{rule!r} is not a regular expression ({error})") from None
    return compiled


def _check_rules(rules: list[str]) -> list[str]:
    compile_rules(rules)
    return rules


DatabaseUrl = Annotated[Secret, checked_by(check_database_url)]
Rules = Annotated[StringList, checked_by(_check_rules)]


class ReadOnlyDatabase(Group):
    """Settings of the database that is only read: a replica."""

    url: DatabaseUrl | None = Field(
        default=None, description="URL of a replica; without it reads use `C2C__DB__URL`, in read-only mode"
    )
    pool_size: int | None = Field(default=None, ge=1, description="By default that of `C2C__DB__POOL_SIZE`")
    max_overflow: int | None = Field(
        default=None, ge=0, description="By default that of `C2C__DB__MAX_OVERFLOW`"
    )
    pool_recycle: PositiveDuration | None = Field(
        default=None, description="By default that of `C2C__DB__POOL_RECYCLE`"
    )
    pool_pre_ping: bool = Field(
        default=True,
        description="Test a connection before it is used, so that a replica that is lost costs no request",
    )
    echo: bool | None = Field(default=None, description="By default that of `C2C__DB__ECHO`")


class Database(Group):
    """Settings of the database."""

    url: DatabaseUrl | None = Field(
        default=None, description="URL, `postgresql://…` or `sqlite:///…`; the async driver is chosen for it"
    )
    read_only: ReadOnlyDatabase = Field(default_factory=ReadOnlyDatabase)
    pool_size: int = Field(default=5, ge=1, description="Connections that are kept open, in each process")
    max_overflow: int = Field(default=10, ge=0, description="Connections beyond these, closed after use")
    pool_recycle: PositiveDuration | None = Field(
        default=None, description="Age at which a connection is replaced before its next use"
    )
    pool_pre_ping: bool = Field(default=False, description="Test a connection before it is used")
    echo: bool = Field(default=False, description="Log all statements")
    force_read_write: Rules = Field(
        default=[],
        description="Regular expressions, matched from the start of `GET /path`: these requests may write",
    )
    force_read_only: Rules = Field(default=[], description="The same for requests that only read")
    sticky: PositiveDuration | None = Field(
        default=None,
        description="Time for which a client reads from the primary after a write; needs "
        "`C2C__AUTH__JWT__SECRET`",
    )
    max_lag: PositiveDuration | None = Field(
        default=None, description="Reads use the primary while the replica is further behind"
    )

    def engine_options(self) -> dict[str, object]:
        """Return the options of the read-write engine, by the names of SQLAlchemy."""
        return _options(self.pool_size, self.max_overflow, self.pool_recycle, self.pool_pre_ping, self.echo)

    def read_only_options(self) -> dict[str, object]:
        """Return the options of the engine of the replica, by the names of SQLAlchemy."""
        own = self.read_only
        return _options(
            self.pool_size if own.pool_size is None else own.pool_size,
            self.max_overflow if own.max_overflow is None else own.max_overflow,
            self.pool_recycle if own.pool_recycle is None else own.pool_recycle,
            own.pool_pre_ping,
            self.echo if own.echo is None else own.echo,
        )


def _options(
    size: int, overflow: int, recycle: datetime.timedelta | None, pre_ping: bool, echo: bool
) -> dict[str, object]:
    return {
        "pool_size": size,
        "max_overflow": overflow,
        "pool_recycle": -1 if recycle is None else recycle.total_seconds(),
        "pool_pre_ping": pre_ping,
        "echo": echo,
    }


def contradictions_of_database(database: Database, *, has_key: bool) -> list[str]:
    """Return one message for each setting that lacks another one.

    Args:
        database: The settings.
        has_key: There is a key that signs cookies.
    """
    problems = []
    if not database.url and database.read_only.url:
        problems.append("C2C__DB__URL: is missing; C2C__DB__READ_ONLY__URL is the replica of it")
    if database.sticky and not has_key:
        problems.append("C2C__DB__STICKY: needs C2C__AUTH__JWT__SECRET, which signs its cookie")
    if database.max_lag and not (database.read_only.url or "").startswith("postgresql"):
        problems.append("C2C__DB__MAX_LAG: needs a PostgreSQL replica as C2C__DB__READ_ONLY__URL")
    return problems
