"""An application that mounts the library and reads no setting itself."""

from fastapi import FastAPI

import c2casgiutils

app = FastAPI(lifespan=c2casgiutils.lifespan)
app.mount("/c2c", c2casgiutils.app)
