"""The context variable of the request id."""

import asyncio

from c2casgiutils.request_tracking import REQUEST_ID, current_request_id


def test_no_id_outside_a_request() -> None:
    assert current_request_id() is None


async def test_each_task_sees_its_own_id() -> None:
    async def answer(name: str) -> str | None:
        REQUEST_ID.set(name)
        await asyncio.sleep(0)
        return current_request_id()

    assert tuple(await asyncio.gather(answer("one"), answer("two"))) == ("one", "two")
    assert current_request_id() is None
