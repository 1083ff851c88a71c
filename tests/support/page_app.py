"""An application that mounts ours as the README does, for uvicorn: `tests.support.page_app:app`."""

from fastapi import FastAPI
from starlette.responses import HTMLResponse

import c2casgiutils
from c2casgiutils import headers

app = FastAPI(lifespan=c2casgiutils.lifespan)
app.mount("/c2c", c2casgiutils.app)
app.add_middleware(headers.ArmorHeaderMiddleware)


@app.get("/private")
async def private() -> HTMLResponse:
    """A page to come back to."""
    return HTMLResponse("<title>Private</title><h1>Private</h1>")
