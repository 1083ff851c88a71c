"""An application with pages of its own beside the views: `tests.support.commands_app:app`."""

import tempfile
from pathlib import Path
from typing import Any

from c2casgiutils import tools
from tests.support.live_app import app

__all__ = ["app"]

_TEMPLATE = Path(tempfile.mkdtemp()) / "orders.html"
_TEMPLATE.write_text('{% extends "page.html" %}{% block view %}<p>{{ waiting }} wait</p>{% endblock %}')


def _orders() -> dict[str, Any]:
    return {"waiting": 3, "password": "hidden-by-name"}


tools.register_page("orders", "Orders", _orders)
tools.register_page("drawn", "Drawn", _orders, template=_TEMPLATE)
