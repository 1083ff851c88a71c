"""The API."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from .config import settings
from .database import get_session
from .models import Item

_LOGGER = logging.getLogger(__name__)

router = APIRouter()


@router.get("/")
async def greet(name: str = "world") -> dict[str, str]:
    """Greet somebody."""
    _LOGGER.debug("A greeting was asked for")
    return {"message": f"{settings.greeting} {name}"}


# Committed before the answer is sent: a failure is an error for the client too.
DatabaseSession = Annotated[AsyncSession, Depends(get_session, scope="function")]


class NewItem(BaseModel):
    """An item to create."""

    name: str = Field(min_length=1, max_length=100)


class ItemResponse(NewItem):
    """An item."""

    model_config = ConfigDict(from_attributes=True)

    id: int


@router.get("/items")
async def list_items(session: DatabaseSession) -> list[ItemResponse]:
    """List all items."""
    items = await session.scalars(select(Item).order_by(Item.id))
    return [ItemResponse.model_validate(item) for item in items]


@router.post("/items", status_code=201)
async def create_item(new: NewItem, session: DatabaseSession) -> ItemResponse:
    """Create an item."""
    item = Item(name=new.name)
    session.add(item)
    try:
        await session.flush()
    except IntegrityError as error:
        raise HTTPException(409, "There is an item with this name") from error
    _LOGGER.info("Created the item %s", item.id)
    return ItemResponse.model_validate(item)


@router.get("/items/{item_id}")
async def get_item(item_id: int, session: DatabaseSession) -> ItemResponse:
    """Read one item."""
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, "No such item")
    return ItemResponse.model_validate(item)
