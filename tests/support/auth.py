"""An application with protected views, for the tests of the authentication."""

import functools
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from c2casgiutils import auth, config

SECRET = "a shared secret"
KEY = "0123456789abcdef0123456789abcdef"
BASE_URL = "https://app.example.com"
COOKIE = "c2c-jwt-auth"


def configure(**auth_settings: Any) -> None:
    """Replace the settings of the authentication."""
    config.settings = config.Settings(auth=auth_settings)


def configure_test_user(username: str = "Someone") -> None:
    """Let the test user in at any host, as in development."""
    config.settings = config.Settings(auth={"test": {"username": username}}, development=True)


@functools.cache  # FastAPI derives the routes of each new application at its first request
def _views() -> FastAPI:
    mounted = FastAPI()
    mounted.include_router(auth.router)

    @mounted.get("/read", dependencies=[Depends(auth.require_read_only_access)])
    @mounted.get("/write", dependencies=[Depends(auth.require_read_write_access)])
    @mounted.post("/write", dependencies=[Depends(auth.require_read_write_access)])
    @mounted.get("/admin", dependencies=[Depends(auth.require_admin_access)])
    @mounted.get("/signed-in", dependencies=[Depends(auth.auth_required)])
    @mounted.get("/factory", dependencies=[Depends(auth.access(auth.AuthConfig(github_access_type="push")))])
    async def view() -> str:
        return "shown"

    @mounted.get("/context")
    async def in_context(context: Annotated[auth.AccessContext, Depends(auth.get_access_context)]) -> str:
        await context.require_access(
            auth.AuthConfig(github_repository="org/repo", github_access_type_read_write="push")
        )
        return "shown"

    @mounted.get("/", name="c2c_index")
    async def index(auth_info: Annotated[auth.AuthInfo, Depends(auth.get_auth)]) -> PlainTextResponse:
        return PlainTextResponse("in" if auth_info.is_logged_in else "out")

    @mounted.get("/teapot", dependencies=[Depends(auth.get_auth)])
    async def teapot() -> None:
        raise HTTPException(418, headers={"X-Own": "kept"})

    return mounted


def make_app(*, middleware: bool = True) -> FastAPI:
    """Our views at `/c2c` and protected views beside them, where the cookie of the tests comes too."""
    app = FastAPI()
    app.mount("/c2c", _views())
    if middleware:
        app.add_middleware(auth.CookieMiddleware)
    return app


def make_client(app: ASGIApp, *, address: str = "10.1.1.1", **arguments: Any) -> httpx.AsyncClient:
    """A client that keeps cookies, as a browser at that address; close it."""
    transport = httpx.ASGITransport(app, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL, **arguments)


async def github_sign_in(client: httpx.AsyncClient, **parameters: str) -> httpx.Response:
    """Walk through the sign-in as a browser does, and give the answer of the callback."""
    response = await client.get("/c2c/auth/github/login", params=parameters)
    assert response.status_code == 307, response.text
    return await client.get(await ask_github(response.headers["location"]))


async def ask_github(location: str) -> str:
    """Let the user answer at GitHub, and give the address where the browser is sent."""
    # loading the certificates of the machine takes longer than the answer
    async with httpx.AsyncClient(verify=False) as outside:  # noqa: S501  # plain HTTP
        response = await outside.get(location)
    assert response.status_code == 302, response.text
    return str(response.headers["location"])
