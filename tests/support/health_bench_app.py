"""A bare JSON route beside the probes and the checks: for the benchmark."""

from fastapi import FastAPI

import c2casgiutils
from c2casgiutils import health_checks
from c2casgiutils.health_checks import FACTORY, Check, Result

app = FastAPI(lifespan=c2casgiutils.lifespan)
health_checks.probes(app)
app.mount("/c2c", c2casgiutils.app)


class Fine(Check):
    """Good."""

    async def check(self) -> Result:
        return Result(payload={"message": "fine"})


for name in ("database", "redis", "migrations"):
    FACTORY.add(Fine(tags=["all"]), name=name)


@app.get("/bare")
async def bare() -> dict[str, str]:
    return {"status": "ok", "message": "a bare JSON route"}


app.include_router(health_checks.router, prefix="/health")
