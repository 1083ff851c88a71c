"""What callers see of the types; checked by mypy, never run."""

from typing import assert_type

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.applications import Starlette

import c2casgiutils
from c2casgiutils import broadcast
from c2casgiutils.broadcast.types import BroadcastResponse


class Echo(BaseModel):
    """An answer."""

    text: str


async def _echo(*, text: str) -> Echo:
    return Echo(text=text)


def _sync(*, text: str) -> Echo:
    return Echo(text=text)


async def check() -> None:
    """The face is typed although it is resolved lazily, and `decorate` keeps the answer's type."""
    assert_type(c2casgiutils.app, FastAPI)
    assert_type(c2casgiutils.__version__, str)
    await c2casgiutils.startup(FastAPI())
    async with c2casgiutils.lifespan(FastAPI()):
        pass
    c2casgiutils.install(Starlette(lifespan=c2casgiutils.lifespan))

    echo = await broadcast.decorate(_echo, expect_answers=True)
    for answer in await echo(text="a") or []:
        if not isinstance(answer, broadcast.MissingAnswer):
            assert_type(answer, BroadcastResponse[Echo])
            assert_type(answer.payload, Echo)
    sync = await broadcast.decorate(_sync, expect_answers=True)
    for answer in await sync(text="a") or []:
        if not isinstance(answer, broadcast.MissingAnswer):
            assert_type(answer.payload, Echo)
