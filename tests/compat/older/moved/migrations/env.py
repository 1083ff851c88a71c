"""Runs the migrations."""

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

engine = create_engine(
    os.environ["C2C__DB__URL"].replace("postgresql:", "postgresql+psycopg:"), poolclass=pool.NullPool
)
with engine.begin() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS main"))
    context.configure(
        connection=connection, version_table_schema=context.config.get_main_option("version_table_schema")
    )
    context.run_migrations()
engine.dispose()
