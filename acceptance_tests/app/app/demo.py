"""What the demo shows beside a rendered project: processes, an echo over broadcast, slow and failing routes."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from c2casgiutils import broadcast
from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel


class Message(BaseModel):
    """What is said."""

    text: str


class Echo(BaseModel):
    """What comes back."""

    text: str
    length: int


def echo_dict(*, message: dict[str, str]) -> dict[str, Any]:
    """Answer with plain data."""
    return {"text": message["text"], "length": len(message["text"])}


async def echo_async(*, message: dict[str, str]) -> dict[str, Any]:
    """Answer with plain data, later."""
    await asyncio.sleep(0)
    return echo_dict(message=message)


async def echo_pydantic(*, message: Message) -> Echo:
    """Answer with a model."""
    return Echo(text=message.text, length=len(message.text))


_echoes: dict[str, Callable[..., Awaitable[Any]]] = {}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Listen for the echoes in each process."""
    for name, function in (("dict", echo_dict), ("async", echo_async), ("pydantic", echo_pydantic)):
        _echoes[name] = await broadcast.decorate(function, expect_answers=True, timeout=5)
    yield


router = APIRouter(tags=["demo"], lifespan=lifespan)


@router.get("/process")
async def process() -> dict[str, int]:
    """Tell which process answers."""
    return {"pid": os.getpid()}


@router.post("/echo/{kind}")
async def echo(kind: Literal["dict", "async", "pydantic"], message: Message) -> list[dict[str, Any]]:
    """Ask all processes for an echo."""
    said = message if kind == "pydantic" else message.model_dump()
    return [_describe(answer) for answer in await _echoes[kind](message=said)]


def _describe(answer: broadcast.BroadcastResponse[Any] | broadcast.MissingAnswer) -> dict[str, Any]:
    if isinstance(answer, broadcast.MissingAnswer):
        return {"pid": answer.pid, "missing": True}
    kind = type(answer.payload).__name__
    return {"pid": answer.pid, "kind": kind, **BaseModel.model_dump(_as_echo(answer.payload))}


def _as_echo(payload: Any) -> Echo:
    return payload if isinstance(payload, Echo) else Echo(**payload)


@router.get("/slow")
async def slow(seconds: Annotated[float, Query(ge=0, le=30)] = 2) -> dict[str, float]:
    """Take some time."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@router.get("/fail")
async def fail() -> None:
    """Fail."""
    raise RuntimeError("The demo fails here")
