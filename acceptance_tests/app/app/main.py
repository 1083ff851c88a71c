"""The application: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import c2casgiutils
from c2casgiutils import health_checks
from fastapi import FastAPI

from . import api
from .database import Session, engine


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Close the connections at the end; c2casgiutils starts before and ends after this."""
    yield
    await engine.dispose()


app = FastAPI(title="Demo", lifespan=lifespan)
c2casgiutils.install(app)
app.include_router(api.router, prefix=c2casgiutils.config.settings.route_prefix.rstrip("/"))

health_checks.FACTORY.add(health_checks.Redis(tags=["redis", "all"]))
health_checks.FACTORY.add(health_checks.SQLAlchemy(Session=Session, tags=["database", "all"]))
health_checks.FACTORY.add(
    health_checks.Alembic(
        Session=Session,
        config_file=str(Path(__file__).parents[1] / "alembic.ini"),
        tags=["migrations", "all"],
    )
)
# demo: begin
from . import demo

app.include_router(demo.router)
# demo: end
