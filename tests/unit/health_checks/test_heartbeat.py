"""What heartbeats tell of the checks."""

import datetime

import pytest

from c2casgiutils import config, health_checks, instances
from c2casgiutils.health_checks import FACTORY, JsonCheckError, Result
from tests.unit.health_checks.checks import Raising, Returning


@pytest.fixture(autouse=True)
async def _started() -> None:
    """Heartbeats tell the checks once they are started."""
    await health_checks.startup()


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        pytest.param(Raising(JsonCheckError("pool exhausted\nSELECT 1")), "pool exhausted", id="first line"),
        pytest.param(Raising(RuntimeError("a\x1b[1mb")), "a[1mb", id="printable"),
        pytest.param(Raising(RuntimeError("x" * 200)), "x" * 120, id="long"),
        pytest.param(Raising(RuntimeError()), "RuntimeError", id="without a message"),
        pytest.param(
            Returning(Result(status_code=500, payload={"message": "no disk"})), "no disk", id="payload"
        ),
        pytest.param(Returning(Result(status="warn", payload={"error": "slow"})), "slow", id="warning"),
        pytest.param(Returning(Result(status_code=500)), "", id="nothing said"),
        pytest.param(Returning(Result(payload={"message": "all is well"})), "", id="passing"),
    ],
)
async def test_reasons(check: health_checks.Check, reason: str) -> None:
    """The roster tells in one line why a check does not pass."""
    FACTORY.add(check, name="check")
    await FACTORY.check()
    assert instances.own().checks["check"].reason == reason


async def test_no_reasons_without_details() -> None:
    """`C2C__HEALTH__DETAILS=never` keeps them out of Redis, too."""
    config.settings.health.details = "never"
    FACTORY.add(Raising(RuntimeError("secret")), name="check")
    await FACTORY.check()
    assert instances.own().checks["check"].status == "fail"
    assert instances.own().checks["check"].reason == ""


async def test_many_reasons_fit_into_a_beat() -> None:
    """As many reasons as there is room for are told, and the state of each check."""
    for number in range(40):
        FACTORY.add(Raising(RuntimeError("\u00e9" * 500)), name=f"check-{number}")
    await FACTORY.check()
    checks = instances.own().checks
    reasons = [check.reason for check in checks.values() if check.reason]
    assert reasons
    assert len("".join(reasons).encode()) < 1_000
    assert [check.status for check in checks.values()] == ["fail"] * 40


async def test_the_beginning_of_a_state_is_the_same_in_each_beat() -> None:
    """It is told in whole seconds, whatever the fraction at which a beat is sent."""
    FACTORY.add(Returning(Result()), name="check")
    await FACTORY.check()
    began = set()
    for _ in range(2_000):
        began.add(instances.own().checks["check"].since)
    assert len(began) == 1
    since = began.pop()
    assert since is not None
    assert since.microsecond == 0
    assert abs(datetime.datetime.now(datetime.UTC) - since) < datetime.timedelta(minutes=5)
