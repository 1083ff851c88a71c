"""Security headers on the responses of applications."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from c2casgiutils.headers import ArmorHeaderMiddleware
from tests.support.asgi import client

DEFAULT = {
    "content-security-policy": "default-src 'self'",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "geolocation=(), microphone=()",
    "x-dns-prefetch-control": "off",
    "origin-agent-cluster": "?1",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


async def _hello(request: Request) -> Response:
    return JSONResponse({"hello": "world"})


async def test_default_set() -> None:
    """Every response gets the whole default set once."""
    app = Starlette(routes=[Route("/", _hello)])
    app.add_middleware(ArmorHeaderMiddleware)
    async with client(app) as http:
        headers = (await http.get("/")).headers
    assert {name: headers.get_list(name) for name in DEFAULT} == {k: [v] for k, v in DEFAULT.items()}
