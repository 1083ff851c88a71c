"""Orders, of which one fails, and items from a database: `app.main:app`."""

import asyncio
import logging
from typing import Any

import sqlalchemy
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import db

from .models import KEPT

_LOGGER = logging.getLogger("app.orders")
UNLUCKY = 13

app = FastAPI()
c2casgiutils.install(app, errors=True)


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, int]:
    """Fail for one number, after a while."""
    _LOGGER.debug("reading order %s", number)
    if number == UNLUCKY:
        await asyncio.sleep(0.5)
    return {"number": number, "share": 1 // (number - UNLUCKY)}


@app.get("/items")
async def items(session: db.Session) -> dict[str, Any]:
    """Execute a statement."""
    return {
        "items": list((await session.execute(sqlalchemy.text("SELECT 1 WHERE 1 IN (1, 2)"))).scalars()),
        "kept": len(KEPT),
    }
