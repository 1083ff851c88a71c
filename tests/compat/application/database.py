"""The database of the application."""

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///application.db")
session_maker = async_sessionmaker(engine)
