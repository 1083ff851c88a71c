"""The next version of `tests.support.live_app`, for uvicorn: `tests.support.next_app:app`."""

from tests.support.live_app import app

app.version = "0.2.0"
