"""The check of a database."""

from typing import Any

from c2casgiutils.health_checks._model import Check, Result

_TOUCH = {"sqlite": "SELECT count(*) FROM sqlite_master"}


class SQLAlchemy(Check):
    """The database answers a query within the time of the check, taking a connection included.

    Args:
        Session: The async session maker.
        tags: Words to select the check by.
    """

    def __init__(self, Session: Any, tags: list[str] | None = None) -> None:  # noqa: N803  a promised name
        super().__init__(tags)
        self.session_maker = Session

    async def check(self) -> Result:
        """Run the query."""
        import sqlalchemy  # noqa: PLC0415  an extra

        async with self.session_maker() as session:
            self.doing = "waiting for a connection"
            connection = await session.connection()
            self.doing = "waiting for the query"
            await session.execute(sqlalchemy.text(_TOUCH.get(connection.dialect.name, "SELECT 1")))
        return Result()
