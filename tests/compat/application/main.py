"""An application written for 0.x: it must run on this package without an edit."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import sentry_sdk
from database import session_maker
from fastapi import Depends, FastAPI
from prometheus_client import start_http_server
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

import c2casgiutils
from c2casgiutils import auth, broadcast, config, headers, health_checks
from c2casgiutils.broadcast import MissingAnswer
from c2casgiutils.broadcast.types import BroadcastResponse
from c2casgiutils.health_checks import Check, Result


class Message(BaseModel):
    """What is asked."""

    text: str


class Echo(BaseModel):
    """What is answered."""

    text: str
    pid: int


async def _echo(*, message: Message) -> Echo:
    return Echo(text=message.text, pid=os.getpid())


class Mine(Check):
    """A custom check."""

    async def check(self) -> Result:
        """Always fine."""
        return Result(status_code=200, payload={"message": "fine"})


echo: Any = None


@asynccontextmanager
async def lifespan(main_app: FastAPI) -> AsyncIterator[None]:
    """Start as 0.x documents it."""
    await c2casgiutils.startup(main_app)
    global echo  # noqa: PLW0603  # late assignment of a decorated handler
    echo = await broadcast.decorate(_echo, expect_answers=True)
    yield


app = FastAPI(lifespan=lifespan)
app.mount("/c2c", c2casgiutils.app)
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["*"])
app.add_middleware(GZipMiddleware, minimum_size=1000)
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
health_checks.FACTORY.add(health_checks.SQLAlchemy(Session=session_maker, tags=["database", "all"]))
health_checks.FACTORY.add(
    health_checks.Alembic(Session=session_maker, config_file="alembic.ini", tags=["migrations", "all"])
)
health_checks.FACTORY.add(Mine(tags=["mine", "all"]))
if config.settings.prometheus.port > 0:
    start_http_server(config.settings.prometheus.port)
Instrumentator(should_instrument_requests_inprogress=True).instrument(app)
if config.settings.sentry.dsn or "SENTRY_DSN" in os.environ:
    sentry_sdk.init(
        **{k: v for k, v in config.settings.sentry.model_dump().items() if v is not None and k != "tags"}
    )
    for tag, value in config.settings.sentry.tags.items():
        sentry_sdk.set_tag(tag, value)


@app.get("/echo")
async def ask() -> list[dict[str, Any]]:
    """Ask all processes; answers arrive as models."""
    answers: list[BroadcastResponse[Echo] | MissingAnswer] = await echo(message=Message(text="hi"))
    replies = [answer for answer in answers if not isinstance(answer, MissingAnswer)]
    return [
        {"hostname": r.hostname, "pid": r.pid, "text": r.payload.text, "by": r.payload.pid} for r in replies
    ]


@app.get("/private")
async def private(
    context: Annotated[auth.AccessContext, Depends(auth.get_access_context)],
) -> dict[str, bool]:
    """A protected route."""
    await context.require_access(
        auth.AuthConfig(github_repository="org/repo", github_access_type_read_write="push")
    )
    return {"private": True}
