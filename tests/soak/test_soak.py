"""The short form of `make soak`."""

from tests.soak.checker import Checker
from tests.soak.run import Run

SEED = 2
SECONDS = 25


async def test_no_promise_is_broken() -> None:
    """Real processes under load, broken at random: all that was acknowledged is true."""
    run = Run(SEED, SECONDS)
    record = await run.execute()
    assert Checker(record).violations() == [], record.story
    assert any(change.report for change in record.changes)
    assert any(question.report for question in record.questions)
