"""An application that tells who asked it, and by which address: `tests.support.shop_app:app`."""

import os

from fastapi import FastAPI, Request

import c2casgiutils

app = FastAPI()
c2casgiutils.install(app)


@app.api_route("/where", methods=["GET", "POST"])
async def where(request: Request) -> dict[str, str | int | None]:
    """Return the address of this view, that of the client, and the process."""
    client = request.client.host if request.client else None
    return {"url": str(request.url_for("where")), "client": client, "process": os.getpid()}
