"""An application that reads a setting at import, as applications do."""

from fastapi import FastAPI

from c2casgiutils import config

app = FastAPI(root_path=config.settings.route_prefix.rstrip("/"))


@app.get("/")
async def root() -> dict[str, str]:
    return {"prefix": config.settings.route_prefix}
