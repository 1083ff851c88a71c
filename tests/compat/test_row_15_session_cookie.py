"""Row 15: who is calling, found out as the changelog says instead of decoding the session cookie."""

from typing import Any

import jwt
from fastapi import FastAPI, Request, Response

import c2casgiutils
from c2casgiutils import auth, config
from tests.support.auth import COOKIE, KEY, SECRET, configure, make_client

app = FastAPI()
app.mount("/c2c", c2casgiutils.app)


def read_as_in_0x(request: Request) -> dict[str, Any]:
    key = config.settings.auth.jwt.secret
    assert key is not None
    return jwt.decode(request.cookies[COOKIE], key, algorithms=[config.settings.auth.jwt.algorithm])


@app.get("/who")
async def who(request: Request, response: Response) -> dict[str, Any]:
    try:
        read_as_in_0x(request)
    except jwt.InvalidTokenError:
        auth_info = await auth.get_auth(request, response)
        return {"is_logged_in": auth_info.is_logged_in, "type": auth_info.type.value}
    raise AssertionError("the cookie is only signed")


async def test_get_auth_in_place_of_the_cookie() -> None:
    """The content of the cookie is encrypted; `get_auth`, called directly, finds the caller."""
    configure(secret=SECRET, jwt={"secret": KEY, "cookie": {"path": "/"}})
    async with c2casgiutils.lifespan(app), make_client(app) as client:
        signed_in = await client.post("/c2c/auth/login", data={"secret": SECRET})
        assert signed_in.status_code == 200
        assert (await client.get("/who")).json() == {"is_logged_in": True, "type": "secret"}
