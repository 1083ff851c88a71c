"""An application that logs and raises the secrets of its callers and settings."""

import logging
import os

from fastapi import FastAPI, Request

import c2casgiutils
from c2casgiutils import health_checks

app = FastAPI(title="The leaky service")
c2casgiutils.install(app, metrics_port=False)
health_checks.FACTORY.add(health_checks.Url(os.environ["CHECKED_URL"]), timeout=1)

_LOGGER = logging.getLogger("leaky")


@app.get("/")
async def root() -> int:
    return os.getpid()


@app.get("/leak")
async def leak(request: Request) -> None:
    token = request.headers["authorization"]
    settings = {name: value for name, value in os.environ.items() if name.startswith("C2C__")}
    _LOGGER.warning("Called with %s and %s by %s", token, settings, request.url)
    raise RuntimeError(f"cannot call the upstream with Authorization: {token} or {settings}")
