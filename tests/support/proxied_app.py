"""An application that believes the test about addresses: `tests.support.proxied_app:app`.

With the settings of `ENVIRONMENT` each request comes from the address in its `X-Forwarded-For`.
"""

from fastapi import FastAPI

import c2casgiutils

ENVIRONMENT = {
    "C2C__PROXY_HEADERS__TYPE": "x-forwarded",
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
    "C2C__INSTANCES__HEARTBEAT": "1h",
}

app = FastAPI()
c2casgiutils.install(app)
