"""An application with a check that fails in one process, for uvicorn: `tests.support.views_app:app`."""

import logging
import time
from pathlib import Path

from fastapi import APIRouter, FastAPI

import c2casgiutils
from c2casgiutils import headers, health_checks, instances
from c2casgiutils.health_checks import FACTORY, JsonCheckError, Result

app = FastAPI(title="Orders", lifespan=c2casgiutils.lifespan)
app.mount("/c2c", c2casgiutils.app)
app.add_middleware(headers.ArmorHeaderMiddleware)
router = APIRouter()


class Pool(health_checks.Check):
    """Exhausted in the process where a test wants it."""

    is_exhausted = False

    async def check(self) -> Result:
        """Fail if it is exhausted."""
        if self.is_exhausted:
            raise JsonCheckError("pool exhausted: 5 of 5", {"used": 5})
        return Result(payload={"used": 1})


class Fine(health_checks.Check):
    """Always well."""

    async def check(self) -> Result:
        """Pass."""
        return Result()


for _name in ("orders", "orders.db", "orders.payment"):
    logging.getLogger(_name)
_POOL = Pool()
FACTORY.add(_POOL, name="local-pool", every=0.3)
for _name in ("mail-queue", "disk"):
    FACTORY.add(Fine(), name=_name, every=5)


@router.post("/pool")
async def exhaust(exhausted: bool) -> str:
    """Exhaust the pool of the process that answers, or mend it, and return the id of the process."""
    _POOL.is_exhausted = exhausted
    return instances.own_id()


@router.get("/process")
async def process() -> str:
    """Return the id of the process that answers."""
    return instances.own_id()


@router.post("/block")
async def block(path: str) -> None:
    """Block the event loop of the process that answers, as a busy coroutine does: until a file is gone.

    The id of the process is written into the file.
    """
    file = Path(path)
    file.write_text(instances.own_id())  # noqa: ASYNC240  # blocking is what is shown
    while file.exists():  # noqa: ASYNC240
        time.sleep(0.1)  # noqa: ASYNC251


app.include_router(router)
