"""The check of the migrations."""

from typing import Any

from c2casgiutils.health_checks._model import Check, JsonCheckError, Result
from c2casgiutils.health_checks._threads import in_thread


class Alembic(Check):
    """The database is at the revision that the migration scripts end with.

    Args:
        Session: The async session maker.
        config_file: The configuration of Alembic.
        tags: Words to select the check by.
    """

    def __init__(
        self,
        Session: Any,  # noqa: N803  a promised name
        config_file: str = "alembic.ini",
        tags: list[str] | None = None,
    ) -> None:
        super().__init__(tags)
        self.session_maker = Session
        self.config_file = str(config_file)
        self._heads: tuple[str, ...] | None = None

    async def check(self) -> Result:
        """Compare the revisions of the database with those of the scripts."""
        if self._heads is None:
            self._heads = await in_thread(self._read_heads)
        async with self.session_maker() as session:
            connection = await session.connection()
            current = await connection.run_sync(self._read_current)
        payload = {"current": sorted(current), "heads": sorted(self._heads)}
        if set(current) != set(self._heads):
            raise JsonCheckError("The database is not at the revision of the scripts", payload)
        return Result(payload=payload)

    def _read_heads(self) -> tuple[str, ...]:
        from alembic.config import Config  # noqa: PLC0415  an extra
        from alembic.script import ScriptDirectory  # noqa: PLC0415  an extra

        return tuple(ScriptDirectory.from_config(Config(self.config_file)).get_heads())

    def _read_current(self, connection: Any) -> tuple[str, ...]:
        from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  an extra

        return tuple(MigrationContext.configure(connection).get_current_heads())
