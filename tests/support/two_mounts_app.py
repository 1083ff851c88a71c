"""An application that mounts ours twice: `tests.support.two_mounts_app:app`."""

from fastapi import FastAPI

import c2casgiutils

app = FastAPI()
c2casgiutils.install(app)
app.mount("/ops", c2casgiutils.app)
