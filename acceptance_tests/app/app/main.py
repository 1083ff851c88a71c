"""The application: `uvicorn app.main:app`."""

from pathlib import Path

import c2casgiutils
from c2casgiutils import db, health_checks
from fastapi import FastAPI

from . import api

app = FastAPI(title="Demo")
c2casgiutils.install(app, errors=True)
app.include_router(api.router, prefix=c2casgiutils.config.settings.route_prefix.rstrip("/"))

health_checks.FACTORY.add(health_checks.Redis(tags=["redis", "all"]))
health_checks.FACTORY.add(health_checks.SQLAlchemy(Session=db.get(), tags=["database", "all"]))
health_checks.FACTORY.add(
    health_checks.Alembic(
        Session=db.get(),
        config_file=str(Path(__file__).parents[1] / "alembic.ini"),
        tags=["migrations", "all"],
    )
)
# demo: begin
from . import demo

app.include_router(demo.router)
# demo: end
