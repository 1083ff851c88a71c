"""An application that `install()` wired: `tests.support.installed_app:app`."""

from fastapi import FastAPI

import c2casgiutils

app = FastAPI()
c2casgiutils.install(app, probes=True)
