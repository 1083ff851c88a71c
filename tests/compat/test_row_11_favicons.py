"""Row 11: templates that link the icons of `c2c_static`."""

import struct

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Template

import c2casgiutils
from tests.support.asgi import client


@pytest.mark.parametrize("size", [16, 32])
async def test_icons_are_served(size: int) -> None:
    name = f"favicon-{size}x{size}.png"
    template = Template("{{ request.url_for('c2c_static', path='/' + name) }}")
    app = FastAPI()
    app.mount("/c2c", c2casgiutils.app)

    @app.get("/page")
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(template.render(request=request, name=name))

    async with client(app) as http:
        url = (await http.get("/page")).text
        reply = await http.get(url)
    assert url.endswith(f"/c2c/static/{name}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
    assert reply.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", reply.content[16:24]) == (size, size)
