"""The checks of the application."""

from typing import Any

import httpx
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from c2casgiutils import db
from c2casgiutils.health_checks import JsonCheckError

from .models import Order
from .settings import settings


async def paid_orders(session: AsyncSession) -> Any:
    """Look for an order with an amount."""
    return await session.scalar(select(Order.reference).where(Order.amount > 0).limit(1))


def stock_is_open(response: httpx.Response) -> dict[str, int]:
    """Read what the stock says of itself."""
    body = response.json()
    if not body["open"]:
        raise JsonCheckError("The stock is closed", {"since": body["since"]})
    return {"items": body["items"]}


def licence() -> dict[str, str]:
    """Fail without the right one."""
    if settings.orders_licence != "gold":
        raise ValueError(f"The licence is {settings.orders_licence}")
    return {"licence": settings.orders_licence}


async def backlog() -> None:
    """Fail with too many orders."""
    async with db.get().session_scope() as session:
        if (await session.scalar(select(func.count(Order.id))) or 0) > 0:
            raise JsonCheckError("Too many orders", {"count": 1000})
