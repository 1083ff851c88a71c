"""The application."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

import c2casgiutils
from acceptance_tests.app.database import Item, Session, engine, get_session
from c2casgiutils import config, headers, health_checks

_LOGGER = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(main_app: FastAPI) -> AsyncIterator[None]:
    """Start and end what the application needs."""
    async with c2casgiutils.lifespan(main_app):
        yield
    await engine.dispose()


app = FastAPI(title="Demo", version="1.0.0", lifespan=lifespan)
app.mount("/c2c", c2casgiutils.app)
app.add_middleware(
    headers.ArmorHeaderMiddleware,
    headers_config={"http": {"headers": {"Strict-Transport-Security": None}}} if config.settings.http else {},
)
if config.settings.proxy_headers.type != "none":
    app.add_middleware(
        headers.ForwardedHeadersMiddleware,
        trusted_hosts=config.settings.proxy_headers.trusted_hosts,
        headers_type=config.settings.proxy_headers.type,
    )

health_checks.FACTORY.add(health_checks.Redis(tags=["liveness", "redis", "all"]))
health_checks.FACTORY.add(health_checks.SQLAlchemy(Session=Session, tags=["database", "all"]))
health_checks.FACTORY.add(
    health_checks.Alembic(
        Session=Session, config_file=str(Path(__file__).parent / "alembic.ini"), tags=["migrations", "all"]
    )
)

SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


class NewItem(BaseModel):
    """An item to create."""

    name: str = Field(min_length=1, max_length=100)


class ItemResponse(NewItem):
    """An item."""

    model_config = ConfigDict(from_attributes=True)

    id: int


@app.get("/")
async def index() -> dict[str, str]:
    """Say hello."""
    _LOGGER.debug("Hello was asked for")
    return {"hello": "world"}


@app.get("/process")
async def process() -> dict[str, int]:
    """Tell which process answers."""
    return {"pid": os.getpid()}


@app.get("/items")
async def list_items(session: SessionDep) -> list[ItemResponse]:
    """List all items."""
    items = await session.scalars(select(Item).order_by(Item.id))
    return [ItemResponse.model_validate(item) for item in items]


@app.post("/items", status_code=201)
async def create_item(new: NewItem, session: SessionDep) -> ItemResponse:
    """Create an item."""
    item = Item(name=new.name)
    session.add(item)
    try:
        await session.flush()
    except IntegrityError as error:
        raise HTTPException(409, "There is an item with this name") from error
    _LOGGER.info("Created the item %s", item.id)
    return ItemResponse.model_validate(item)


@app.get("/items/{item_id}")
async def get_item(item_id: int, session: SessionDep) -> ItemResponse:
    """Read one item."""
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, "No such item")
    return ItemResponse.model_validate(item)
