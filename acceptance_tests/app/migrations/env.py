"""Run the migrations on the database of the demo."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from acceptance_tests.app.database import Base, engine


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def _main() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


asyncio.run(_main())
