"""An application that configures no logging and logs secrets of its own."""

import logging

from fastapi import FastAPI

from c2casgiutils import install
from tests.support.secret_texts import TOKENS

_LOGGER = logging.getLogger("my_app.views")
app = FastAPI()
install(app)


@app.get("/own")
async def own(secret: str = "") -> dict[str, str]:
    _LOGGER.warning("called with %s and %s", secret, TOKENS["GitHub"])
    try:
        _fail(f"refused {TOKENS['Slack']} and {secret}")
    except RuntimeError:
        _LOGGER.exception("caught")
    return {}


@app.get("/boom")
async def boom() -> None:
    _fail(f"refused {TOKENS['GitLab']}")


def _fail(text: str) -> None:
    raise RuntimeError(text)
