"""What a type checker sees of the sessions; checked, never run."""

from typing import Annotated, assert_type

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from c2casgiutils import db


def endpoint(routed: db.Session, reading: db.ReadSession, writing: db.WriteSession) -> None:
    """The types of parameters are sessions, though they are resolved on first access."""
    assert_type(routed, AsyncSession)
    assert_type(reading, AsyncSession)
    assert_type(writing, AsyncSession)


async def check(database: db.Database) -> None:
    """So are those of the makers and of the blocks; the dependencies fit an annotation."""
    assert_type(database.read_write, async_sessionmaker[AsyncSession])
    async with database.session_scope(read_write=True) as session, database.read_only() as other:
        assert_type(session, AsyncSession)
        assert_type(other, AsyncSession)
    assert_type(db.get("other"), db.Database)

    def other_endpoint(session: Annotated[AsyncSession, database.session]) -> None:
        assert_type(session, AsyncSession)

    other_endpoint(session)
