"""The API."""

import logging
{%- if cookiecutter.database != "none" %}

from c2casgiutils import db
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .config import settings
from .models import Item
{%- else %}

from fastapi import APIRouter

from .config import settings
{%- endif %}

_LOGGER = logging.getLogger(__name__)

router = APIRouter()


@router.get("/")
async def greet(name: str = "world") -> dict[str, str]:
    """Greet somebody."""
    _LOGGER.debug("A greeting was asked for")
    return {"message": f"{settings.greeting} {name}"}
{%- if cookiecutter.database != "none" %}


class NewItem(BaseModel):
    """An item to create."""

    name: str = Field(min_length=1, max_length=100)


class ItemResponse(NewItem):
    """An item."""

    model_config = ConfigDict(from_attributes=True)

    id: int


@router.get("/items")
async def list_items(session: db.Session) -> list[ItemResponse]:
    """List all items."""
    items = await session.scalars(select(Item).order_by(Item.id))
    return [ItemResponse.model_validate(item) for item in items]


@router.post("/items", status_code=201)
async def create_item(new: NewItem, session: db.Session) -> ItemResponse:
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
async def get_item(item_id: int, session: db.Session) -> ItemResponse:
    """Read one item."""
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, "No such item")
    return ItemResponse.model_validate(item)
{%- endif %}
