"""All diagnostic views, and the questions to other processes that they need."""

from typing import Any

from fastapi import APIRouter

from c2casgiutils import debug
from c2casgiutils._asgi import AnyApp
from c2casgiutils.tools import (
    _debug_dump,
    _debug_exchanges,
    _debug_faults,
    _debug_loop,
    _debug_memory,
    _debug_memory_diff,
    _debug_profile,
    _debug_request,
    _debug_runtime,
    _debug_settings,
    _debug_stacks,
)
from c2casgiutils.tools._debug_cluster import Question

router = APIRouter()
router.include_router(_debug_exchanges.router, prefix="/debug")
router.include_router(_debug_dump.router, prefix="/debug")
router.include_router(_debug_faults.router, prefix="/debug")
router.include_router(_debug_runtime.router)
router.include_router(_debug_settings.router)
router.include_router(_debug_loop.router, prefix="/debug")
router.include_router(_debug_request.router, prefix="/debug")
router.include_router(_debug_memory.router, prefix="/debug")
router.include_router(_debug_memory_diff.router, prefix="/debug")
router.include_router(_debug_stacks.router, prefix="/debug")
router.include_router(_debug_profile.router, prefix="/debug")

_QUESTIONS: tuple[Question[Any], ...] = (
    _debug_loop.QUESTION,
    _debug_memory.MEMORY,
    _debug_memory.MAPS,
    _debug_memory.REFERENCES,
    _debug_profile.START,
    _debug_profile.FIND,
    _debug_exchanges.EXCHANGES,
    _debug_stacks.QUESTION,
    _debug_runtime.QUESTION,
    _debug_settings.FINGERPRINTS,
)


async def startup(main_app: AnyApp | None) -> None:
    """Answer the questions of other processes.

    Args:
        main_app: The application that mounts ours.
    """
    debug.set_application(main_app)
    for question in _QUESTIONS:
        await question.subscribe()
