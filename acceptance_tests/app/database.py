"""The database of the demo: SQLite by default, another one by `DATABASE_URL`."""

import os
from collections.abc import AsyncIterator

from sqlalchemy import String
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///demo.db")

engine = create_async_engine(URL)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The base of all tables."""


class Item(Base):
    """A thing with a name."""

    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a request its session; what it did is committed before the answer is sent."""
    async with Session.begin() as session:
        yield session
