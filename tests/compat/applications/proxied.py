"""An application of 0.x behind a proxy: `tests.compat.applications.proxied:app`."""

from fastapi import FastAPI, Request

from c2casgiutils import config, headers

app = FastAPI()
if config.settings.proxy_headers.type != "none":
    app.add_middleware(
        headers.ForwardedHeadersMiddleware,
        trusted_hosts=config.settings.proxy_headers.trusted_hosts,
        headers_type=config.settings.proxy_headers.type,
    )


@app.get("/seen")
async def seen(request: Request) -> dict[str, str]:
    """What an application makes of a request: an address for OAuth, a line of an audit."""
    assert request.client is not None
    return {"callback": str(request.url_for("seen")), "client": request.client.host}
