"""All diagnostic views, and the questions to other processes that they need."""

from typing import Any

from fastapi import APIRouter

from c2casgiutils.tools import _debug_loop, _debug_request
from c2casgiutils.tools._debug_cluster import Question

router = APIRouter()
router.include_router(_debug_loop.router, prefix="/debug")
router.include_router(_debug_request.router, prefix="/debug")

_QUESTIONS: tuple[Question[Any], ...] = (_debug_loop.QUESTION,)


async def startup() -> None:
    """Answer the questions of other processes."""
    for question in _QUESTIONS:
        await question.subscribe()
