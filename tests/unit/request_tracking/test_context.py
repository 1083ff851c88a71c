"""The request that is being answered, as code anywhere in the process sees it."""

import asyncio

import pytest

from c2casgiutils.request_tracking import (
    CURRENT,
    RequestContext,
    current_request_id,
    current_scope,
    note_request,
    request_of,
)
from tests.support.request_context import current


def test_nothing_outside_a_request() -> None:
    assert current_request_id() is None
    assert current_scope() is None


async def test_each_task_sees_its_own_request() -> None:
    async def answer(name: str) -> tuple[str | None, object]:
        CURRENT.set(RequestContext(name, scope={"path": f"/{name}"}))
        await asyncio.sleep(0)
        return current_request_id(), current_scope()

    assert list(await asyncio.gather(answer("one"), answer("two"))) == [
        ("one", {"path": "/one"}),
        ("two", {"path": "/two"}),
    ]
    assert current_request_id() is None


def test_an_exception_remembers_its_request() -> None:
    """The last request that it ended counts, and the current one before it."""
    error = RuntimeError("boom")
    note_request(error)
    assert request_of(error) is None
    scope = {"path": "/"}
    for name in ("inner", "outer"):
        with current(RequestContext(name, scope=scope)):
            note_request(error)
    noted = request_of(error)
    assert noted is not None
    assert (noted.request_id, noted.scope) == ("outer", scope)
    with current(RequestContext("current")) as context:
        assert request_of(error) is context


@pytest.mark.parametrize("error", [None, ValueError("of no request")])
def test_no_request(error: BaseException | None) -> None:
    assert request_of(error) is None
