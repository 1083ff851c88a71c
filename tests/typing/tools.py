"""What a type checker sees of the registration of pages; checked, never run."""

from c2casgiutils import tools


def _load() -> dict[str, int]:
    return {"waiting": 3}


async def _load_async() -> dict[str, str]:
    return {"waiting": "3"}


def register() -> None:
    """Loaders are sync or async, and return mappings with names as keys."""
    tools.register_page("orders", "Orders", _load)
    tools.register_page("orders", "Orders", _load_async, template="/orders.html", level="read-write")
    tools.register_page("orders", "Orders", lambda: 3)  # type: ignore[arg-type,return-value]  # no mapping
    tools.register_page("orders", "Orders", _load, level="owner")  # type: ignore[arg-type]  # no such level
    tools.register_link("Docs", "../docs")
