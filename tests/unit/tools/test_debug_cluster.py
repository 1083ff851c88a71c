"""A question of a diagnostic view, without Redis."""

import pytest
from fastapi import HTTPException
from pydantic import BaseModel

from c2casgiutils import broadcast, instances
from c2casgiutils.debug import BusyError, Slot
from c2casgiutils.tools._debug_cluster import Question


class Answer(BaseModel):
    instance: str
    number: int


async def collect(*, number: int, **_: object) -> Answer:
    return Answer(instance=instances.own_id(), number=number + 1)


async def refuse(**_: object) -> Answer:
    raise BusyError("One runs already")


@pytest.mark.parametrize("instance", ["self", "all", "id"])
async def test_answer(local_broadcast: None, instance: str) -> None:
    """This process answers for itself, by whichever name."""
    question = Question("c2c_test", collect, Answer)
    await question.subscribe()
    found = await question.ask(instances.own_id() if instance == "id" else instance, number=1)
    assert [(answer.instance, answer.number) for answer in found.answers] == [(instances.own_id(), 2)]
    assert found.cluster == broadcast.ClusterReport.alone()


@pytest.mark.parametrize("instance", ["", "ALL", "host:1:abcdefgh", "\ud800", "x" * 10_000])
async def test_unknown_instance(local_broadcast: None, instance: str) -> None:
    """An id that no process has is a 404 that names those that exist."""
    with pytest.raises(HTTPException) as raised:
        await Question("c2c_test", collect, Answer).ask(instance, number=1)
    assert raised.value.status_code == 404
    assert instances.own_id() in str(raised.value.detail)


@pytest.mark.parametrize("instance", ["self", "all"])
async def test_busy(local_broadcast: None, instance: str, caplog: pytest.LogCaptureFixture) -> None:
    """If all processes that were asked are busy, it is a 409, and not a failure in the log."""
    with pytest.raises(BusyError, match="One runs already") as raised:
        await Question("c2c_test", refuse, Answer).ask(instance)
    assert raised.value.status_code == 409
    assert caplog.records == []


def test_slot() -> None:
    """As many as the limit run at once; a place is free again however its block ends."""
    slot = Slot("Full", 2)
    with slot.held():
        with pytest.raises(ZeroDivisionError), slot.held():
            raise ZeroDivisionError
        with slot.held(), pytest.raises(BusyError, match="Full"), slot.held():
            pass
    with slot.held(), slot.held():
        pass
