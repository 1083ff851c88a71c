"""Behind a proxy that uses a Unix socket."""

import asyncio
import logging
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import config
from tests.support.net import wait_for


async def _warnings(path: Path, caplog: pytest.LogCaptureFixture, **proxy_headers: object) -> list[str]:
    config.settings = config.Settings(proxy_headers=proxy_headers)
    vars(c2casgiutils).pop("app", None)  # the next one is assembled with these settings
    app = FastAPI()
    c2casgiutils.install(app, metrics_port=False, logging=False)
    server = uvicorn.Server(uvicorn.Config(app, uds=str(path), log_config=None))
    caplog.set_level(logging.WARNING)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.to_thread(wait_for, lambda: server.started, what="the start")
        async with httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://app.example.com"
        ) as client:
            for name in ("/c2c/auth/status", "/c2c/"):
                assert (await client.get(name)).status_code == 200
                forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
                assert (await client.get(name, headers=forwarded)).status_code == 200
    finally:
        server.should_exit = True
        await serving
    return [record.getMessage() for record in caplog.records if "PROXY_HEADERS" in record.getMessage()]


@pytest.mark.parametrize("kind", ["none", "x-forwarded"])
async def test_default_trusted_hosts(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning names what is missing, `unix:`: without it all clients count as one."""
    (warning,) = await _warnings(tmp_path / "app.sock", caplog, type=kind)
    assert "unix:" in warning
    assert "C2C__PROXY_HEADERS__TRUSTED_HOSTS" in warning


async def test_trusted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With `unix:` there is nothing to say."""
    assert await _warnings(tmp_path / "app.sock", caplog, type="x-forwarded", trusted_hosts=["unix:"]) == []
