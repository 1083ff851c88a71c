"""The check of database migrations."""

import copy
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2casgiutils import db
from c2casgiutils.health_checks._metrics import record_versions
from c2casgiutils.health_checks._model import Check, JsonCheckError, Result

_SECTION = "alembic"


@dataclasses.dataclass(frozen=True)
class _Scripts:
    heads: frozenset[str]
    known: frozenset[str]
    table: dict[str, Any]


class Alembic(Check):
    """Passes if the database is at the head revisions of the migration scripts.

    It proves that every branch is migrated to its head, but not that the tables match the migrations. The
    scripts are read once, in a thread; the version table and schema (`version_table`, `version_table_schema`)
    come from the configuration file. The payload contains `current` and `heads`, and for a failure `state`:
    `empty` (no revision stored), `behind` or `ahead` (a revision unknown to the scripts).

    With a `db.Database` it is registered as `alembic_<name>_read_write` and, for a replica, which gets the
    migrations from its primary, `alembic_<name>_read_only`; the latter is degrading at most.

    Args:
        Session: The database, or the async session maker.
        config_file: The configuration file of Alembic.
        tags: Tags to select the check by.
        section: The section of the configuration file, as Alembic's `--name`.
    """

    def __init__(
        self,
        Session: Any,  # noqa: N803  # a promised name
        config_file: str | Path = "alembic.ini",
        tags: list[str] | None = None,
        *,
        section: str = _SECTION,
    ) -> None:
        super().__init__(tags)
        self.database: db.Database | None = Session if isinstance(Session, db.Database) else None
        self.session_maker: Any = Session if self.database is None else self.database.read_write
        self.config_file: str = str(config_file)
        self.section = section
        self._scripts: _Scripts | None = None
        self._recorded: frozenset[str] = frozenset()

    def parts(self) -> Sequence[Check]:
        """Return the checks of the engines of a database."""
        if self.database is None:
            return [self]
        self.name: str = f"alembic_{self.database.name}_read_write"
        self.suffix: str = "_read_write"
        if not self.database.has_replica:
            return [self]
        other = copy.copy(self)
        other.name, other.suffix = f"alembic_{self.database.name}_read_only", "_read_only"
        other.session_maker, other.is_replaceable = self.database.read_only, True
        return [self, other]

    async def check(self) -> Result:
        """Compare the revisions of the database with those of the scripts."""
        if self._scripts is None:
            self.doing = "reading the migration scripts"
            self._scripts = await self.in_thread(self._read_scripts)
        scripts = self._scripts
        self.doing: str | None = "waiting for the database"
        async with self.session_maker() as session:
            connection = await session.connection()
            current = await connection.run_sync(self._read_current, scripts.table)
        if not self.is_replaceable:  # the replica follows
            section = "" if self.section == _SECTION else f":{self.section}"
            record_versions(self.config_file + section, self._recorded - current, current)
            self._recorded = current
        payload = {"current": sorted(current), "heads": sorted(scripts.heads)}
        if current != scripts.heads:
            raise JsonCheckError(
                "The database is not at the head revision of the scripts", payload | _state(current, scripts)
            )
        return Result(payload=payload)

    def _read_scripts(self) -> _Scripts:
        try:
            from alembic.config import Config
            from alembic.script import ScriptDirectory
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"The package {error.name} is missing: install c2casgiutils[alembic]", name=error.name
            ) from error
        if not Path(self.config_file).is_file():  # Alembic treats a missing file as an empty one
            raise FileNotFoundError(f"The Alembic configuration does not exist: {self.config_file}")
        configuration = Config(self.config_file, ini_section=self.section)
        path = list(sys.path)
        try:
            scripts = ScriptDirectory.from_config(configuration)
            heads = frozenset(scripts.get_heads())
            known = frozenset(revision.revision for revision in scripts.walk_revisions())
        finally:
            _remove_first(len(sys.path) - len(path))
        options = ("version_table", "version_table_schema")
        values = {option: configuration.get_main_option(option) for option in options}
        return _Scripts(heads, known, {option: value for option, value in values.items() if value})

    @staticmethod
    def _read_current(connection: Any, options: dict[str, Any]) -> frozenset[str]:
        from alembic.runtime.migration import MigrationContext

        return frozenset(MigrationContext.configure(connection, opts=options).get_current_heads())


def _state(current: frozenset[str], scripts: _Scripts) -> dict[str, str]:
    if not current:
        return {"state": "empty"}
    return {"state": "behind" if current <= scripts.known else "ahead"}


def _remove_first(number: int) -> None:
    """Remove what `prepend_sys_path` added to the search path, as a server does not need it."""
    if number > 0:
        del sys.path[:number]
