"""The application: `uvicorn {{ cookiecutter.project_slug }}.main:app`."""

{% if cookiecutter.database != "none" -%}
from pathlib import Path

{% endif -%}
import c2casgiutils
from c2casgiutils import {% if cookiecutter.database != "none" %}db, {% endif %}health_checks
from fastapi import FastAPI

from . import api

app = FastAPI(title={{ cookiecutter.project_description | tojson }})
c2casgiutils.install(app, errors=True)
app.include_router(api.router, prefix=c2casgiutils.config.settings.route_prefix.rstrip("/"))

health_checks.FACTORY.add(health_checks.Redis(tags=["redis", "all"]))
{%- if cookiecutter.database != "none" %}
health_checks.FACTORY.add(health_checks.SQLAlchemy(Session=db.get(), tags=["database", "all"]))
health_checks.FACTORY.add(
    health_checks.Alembic(
        Session=db.get(),
        config_file=str(Path(__file__).parents[1] / "alembic.ini"),
        tags=["migrations", "all"],
    )
)
{%- endif %}
