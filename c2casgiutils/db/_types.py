"""The types of endpoint parameters: a session of the default database."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from c2casgiutils.db._registry import get
from c2casgiutils.db._routing import Mode


async def _session(connection: HTTPConnection) -> AsyncIterator[Any]:
    async with get().in_request(connection) as session:
        yield session


async def _read_session(connection: HTTPConnection) -> AsyncIterator[Any]:
    async with get().in_request(connection, Mode.READ_ONLY) as session:
        yield session


async def _write_session(connection: HTTPConnection) -> AsyncIterator[Any]:
    async with get().in_request(connection, Mode.READ_WRITE) as session:
        yield session


DEPENDENCIES = {"Session": _session, "ReadSession": _read_session, "WriteSession": _write_session}


def create_type(name: str) -> Any:
    """Return the type of a parameter.

    Args:
        name: `Session`, `ReadSession` or `WriteSession`.
    """
    from sqlalchemy.ext.asyncio import AsyncSession

    return Annotated[AsyncSession, Depends(DEPENDENCIES[name], scope="function")]
