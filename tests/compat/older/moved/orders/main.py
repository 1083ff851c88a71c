"""The application."""

from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import db, health_checks

from . import checks, models, services
from .settings import settings

app = FastAPI(title="Orders")
c2casgiutils.install(
    app,
    path="/api/c2c",
    errors=True,
    legacy_paths=True,
    cors={
        "allow_origins": ["https://www.example.com", "http://example.com"],
        "allow_credentials": True,
        "allow_methods": ["GET", "PUT", "POST", "DELETE"],
        "max_age": 86400,
    },
    headers_config={"no-cache": {"path_match": "^/api/", "headers": {"Cache-Control": "no-cache, no-store"}}},
)
app.include_router(services.router)

stock = settings.stock_url
add = health_checks.FACTORY.add
add(health_checks.SQLAlchemy(Session=db.get(), at_least_one_model=models.Order))
add(
    health_checks.SQLAlchemy(Session=db.get().read_write, query=checks.paid_orders),
    name="paid_orders",
    level=3,
)
add(health_checks.Alembic(Session=db.get(), config_file="alembic.ini"), level=2)
add(health_checks.Url(f"{stock}/ping"), name="stock", timeout=1)
add(
    health_checks.Url(
        f"{stock}/status",
        headers={"X-Licence": settings.orders_licence},
        params={"verbose": "1"},
        callback=checks.stock_is_open,
    ),
    name="stock_status",
    level=2,
)
add(health_checks.Custom(checks.licence), name="licence", level=2)
add(health_checks.Custom(checks.backlog), name="backlog", level=4)
