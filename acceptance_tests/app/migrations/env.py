"""Run the migrations."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from app.database import engine
from app.models import Base


def migrate(connection: Connection) -> None:
    """Run them on a connection."""
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect, migrate, disconnect."""
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
