"""The routes."""

import functools
import logging
import os
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Body, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse
from prometheus_client import Summary
from sqlalchemy import select

from c2casgiutils import auth, broadcast, db, profiling, request_tracking, sentry, versions

from .models import Order
from .settings import settings

_LOG = logging.getLogger(__name__)
_SECONDS = Summary("orders_search_seconds", "Time to search for orders")
_CACHE = {"hello": "world"}
router = APIRouter(prefix="/api")


@broadcast.decorator(expect_answers=True)
def forget(*, key: str) -> dict[str, Any]:
    """Drop a key from the cache of every process."""
    return {"pid": os.getpid(), "forgotten": _CACHE.pop(key, None) is not None}


@broadcast.decorator(channel="orders_cache_size", expect_answers=True, timeout=5)
def cache_size() -> int:
    """Tell the size of the cache of every process."""
    return len(_CACHE)


@functools.cache
def _client() -> httpx.AsyncClient:
    return request_tracking.async_client(timeout=3)


@router.get("/ping")
async def ping(request: Request) -> dict[str, Any]:
    """Answer."""
    _LOG.info("ping from %s", request.client and request.client.host, extra={"order": 42})
    return {"pong": True, "id": request_tracking.current_request_id(), "version": versions.git_hash()}


@router.get("/orders", name="orders")
async def list_orders(session: db.Session) -> list[dict[str, Any]]:
    """List all orders."""
    return [
        {"reference": order.reference, "amount": order.amount}
        for order in await session.scalars(select(Order).order_by(Order.id))
    ]


@router.get("/orders/{reference}")
async def get_order(reference: str, session: db.Session) -> dict[str, Any]:
    """Return an order."""
    order = await session.scalar(select(Order).where(Order.reference == reference))
    if order is None:
        raise HTTPException(404, "No such order")
    return {"reference": order.reference, "amount": order.amount}


@router.put("/orders/{reference}", status_code=204)
async def put_order(reference: str, amount: Annotated[int, Body(embed=True)], session: db.Session) -> None:
    """Add an order."""
    with sentry.capture_exceptions():
        if reference == "broken":
            raise ValueError("The order is broken")
        session.add(Order(reference=reference, amount=amount))


@router.post("/search")
@profiling.Profile("search.profile")
async def search(least: Annotated[int, Body(embed=True)], session: db.ReadSession) -> dict[str, int]:
    """Count the orders of at least an amount."""
    with _SECONDS.time():
        found = await session.scalars(select(Order).where(Order.amount >= least))
    return {"found": len(found.all())}


@router.get("/stock")
async def stock() -> dict[str, Any]:
    """Ask another service."""
    answer = await _client().get(f"{settings.stock_url}/ping")
    return {"id_there": answer.json()["request_id"]}


@router.delete("/cache", dependencies=[Depends(auth.require_read_only_access)])
async def empty_cache() -> dict[str, Any]:
    """Forget everything, in each process."""
    forgotten = [one for one in await forget(key="hello") if not isinstance(one, broadcast.MissingAnswer)]
    sizes = [one.payload for one in await cache_size() if not isinstance(one, broadcast.MissingAnswer)]
    return {"processes": len(forgotten), "sizes": sizes}


@router.get("/report")
async def report(request: Request, info: Annotated[auth.AuthInfo, Depends(auth.get_auth)]) -> dict[str, bool]:
    """Tell who asks."""
    if not info.is_logged_in:
        raise HTTPException(403, "For users only")
    return {"allowed": await auth.check_read_only_access(info, request)}


@router.get("/old")
async def old(request: Request) -> RedirectResponse:
    """Redirect to the new address."""
    return RedirectResponse(request.url_for("orders"), 301)
