"""`tests.support.live_app` with pages of its own, for uvicorn: `tests.support.every_view_app:app`."""

from c2casgiutils import tools
from tests.support.live_app import app

__all__ = ["app"]


def _fail() -> dict[str, object]:
    raise RuntimeError("no orders")


tools.register_page("waiting", "Waiting", lambda: {"waiting": 3, "oldest": "2 min", "by country": {"ch": 2}})
tools.register_page("nothing", "Nothing", dict)
tools.register_page("broken", "Broken", _fail)
tools.register_link("Documentation", "https://example.com/")
