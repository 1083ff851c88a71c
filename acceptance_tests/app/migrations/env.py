"""Run the migrations."""

import asyncio

from alembic import context
from c2casgiutils import db
from sqlalchemy import Connection

from app.models import Base


def migrate(connection: Connection) -> None:
    """Run them on a connection."""
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect, migrate, disconnect."""
    async with db.get().session_scope(read_write=True, ignore_maintenance=True) as session:
        connection = await session.connection()
        await connection.run_sync(migrate)
    await db.shutdown()


asyncio.run(main())
