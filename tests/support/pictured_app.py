"""An application with trouble that pictures show, for uvicorn: `tests.support.pictured_app:app`.

`PICTURED_HOST` is the name of the host.
"""

import asyncio
import logging
import os
import socket

from fastapi import FastAPI

import c2casgiutils
from c2casgiutils.health_checks import FACTORY, Check, JsonCheckError, Result
from tests.support import views_app

socket.gethostname = lambda: os.environ["PICTURED_HOST"]
logging.basicConfig(level=logging.INFO)

app = FastAPI(title="Orders", version="2.4.1")
c2casgiutils.install(app)
app.include_router(views_app.router)


class Geocoder(Check):
    """Slow, and refused."""

    async def check(self) -> Result:
        """Fail."""
        await asyncio.sleep(0.4)
        raise JsonCheckError("HTTP 503 from the geocoder", {})


FACTORY.add(Geocoder(), name="geocoder", every=2, severity="degrading")
