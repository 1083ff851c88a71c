"""The engine: one bounded run for all who ask."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from typing import Any

import prometheus_client
import pytest

from c2casgiutils import config
from c2casgiutils.health_checks import Custom, Factory, JsonCheckError, Redis, Result, Wrong
from tests.support.net import eventually
from tests.unit.health_checks.checks import (
    Blocking,
    Busy,
    Fine,
    Hanging,
    Raising,
    Returning,
    Stubborn,
)


@pytest.fixture
async def factory() -> AsyncIterator[Factory]:
    factory = Factory()
    yield factory
    await factory.aclose()


async def test_many_requests_are_one_run(factory: Factory) -> None:
    check = Fine(seconds=0.2)
    factory.add(check, ttl=600, timeout=30)
    async with asyncio.timeout(60):
        results = await asyncio.gather(*(factory.check() for _ in range(1000)))
    assert check.runs == 1
    assert {result.status_code for result in results} == {200}


async def test_kept_for_ttl(factory: Factory) -> None:
    check = Fine()
    factory.add(check, ttl=600)
    await factory.check()
    assert (await factory.check()).entities[0].payload == {"run": 1}
    assert check.runs == 1


async def test_run_again_after_ttl(factory: Factory) -> None:
    factory.add(Fine(), ttl=0.1)
    await factory.check()
    await asyncio.sleep(0.2)
    assert (await factory.check()).entities[0].payload == {"run": 2}


async def test_age_grows(factory: Factory) -> None:
    factory.add(Fine(), ttl=600)
    await factory.check()
    await asyncio.sleep(0.1)
    age = (await factory.check()).entities[0].age
    assert age is not None
    assert age >= 0.09


async def test_side_by_side(factory: Factory) -> None:
    """Each check ends only when all five have begun."""
    begun = asyncio.Barrier(5)

    class Meeting(Fine):
        async def check(self) -> Result:
            await begun.wait()
            return Result()

    for number in range(5):
        factory.add(Meeting(), name=f"check-{number}", timeout=20)
    result = await factory.check()
    assert {entity.status for entity in result.entities} == {"pass"}


async def test_bound_on_runs(factory: Factory) -> None:
    """Thirty checks never ask for thirty connections at once."""
    running = most = 0

    class Counting(Fine):
        async def check(self) -> Result:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.05)
            running -= 1
            return Result()

    for number in range(30):
        factory.add(Counting(), name=f"check-{number}")
    await factory.check()
    assert most == 10


async def test_timeout_says_what_was_waited_for(factory: Factory) -> None:
    factory.add(Hanging(), timeout=0.1)
    async with asyncio.timeout(20):
        (entity,) = (await factory.check()).entities
    assert entity.status_code == 500
    assert entity.payload == {
        "error": "timeout",
        "message": "No result within 0.1 s while waiting for nothing",
    }


async def test_other_checks_do_not_suffer(factory: Factory) -> None:
    factory.add(Hanging(), timeout=0.2)
    factory.add(Raising(RuntimeError("x")))
    factory.add(Fine())
    entities = (await factory.check()).entities
    assert [entity.status for entity in entities] == ["fail", "fail", "pass"]


async def test_cancelled_requester_does_not_disturb(factory: Factory) -> None:
    check = Fine(seconds=0.5)
    factory.add(check, timeout=30)
    first = asyncio.create_task(factory.check())
    await asyncio.sleep(0.05)
    second = asyncio.create_task(factory.check())
    await asyncio.sleep(0.05)
    first.cancel()
    result = await second
    assert first.cancelled()
    assert result.entities[0].status == "pass"
    assert check.runs == 1


async def test_fifty_clients_that_leave_are_one_run(factory: Factory) -> None:
    check = Fine(seconds=60)
    factory.add(check, ttl=0, timeout=60)
    for _ in range(50):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await factory.check()
    assert check.runs == 1


async def test_cancellation_replaces_an_older_result(factory: Factory) -> None:
    """A check that passed and whose next run cancels itself has failed."""

    async def turning() -> None:
        runs.append(1)
        task = asyncio.current_task()
        assert task is not None
        if len(runs) > 1:
            task.cancel()
            await asyncio.sleep(60)

    runs: list[int] = []
    factory.add(Custom(turning), ttl=0)
    async with asyncio.timeout(30):
        assert [(await factory.check()).entities[0].status for _ in range(2)] == ["pass", "fail"]


async def test_stubborn_check_runs_once(factory: Factory) -> None:
    check = Stubborn()
    factory.add(check, timeout=0.1, ttl=0)
    for _ in range(3):
        async with asyncio.timeout(20):
            (entity,) = (await factory.check()).entities
        assert entity.payload["error"] == "timeout"
    assert check.runs == 1
    check.released.set()

    async def passes() -> bool:
        return (await factory.check()).entities[0].status == "pass"

    await eventually(passes, what="the check passes")


async def test_blocking_check_does_not_block_the_loop(factory: Factory) -> None:
    factory.add(Busy(), timeout=30)
    task = asyncio.create_task(factory.check())
    turns = 0
    while not task.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert task.result().entities[0].payload == {"main": False}
    assert turns > 5


async def test_blocked_thread_is_one_thread(factory: Factory) -> None:
    check = Blocking()
    factory.add(check, timeout=0.1, ttl=0)
    for _ in range(3):
        assert (await factory.check()).entities[0].payload["error"] == "timeout"
    assert check.runs == 1
    check.release.set()
    await eventually(check.is_free, what="the thread ends")
    assert (await factory.check()).entities[0].payload == {"thread": True}


def _unchecked(**values: Any) -> Result:
    return Result.model_construct(**values)


class BadTextError(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="none"),
        pytest.param({"status_code": 200}, id="dict"),
        pytest.param(Result(status_code=1000), id="status-1000"),
        pytest.param(Result(status_code=0), id="status-0"),
        pytest.param(Result(status_code=101), id="status-101"),
        pytest.param(_unchecked(status_code="200", payload={}), id="status-text"),
        pytest.param(_unchecked(status_code=None, payload={}), id="status-none"),
        pytest.param(_unchecked(status_code=True, payload={}), id="status-bool"),
        pytest.param(Result(payload={"x": object()}), id="unserialisable"),
        pytest.param(Result(payload={"x": "\ud800"}), id="surrogate"),
        pytest.param(_unchecked(status_code=200, payload=[1]), id="payload-list"),
        pytest.param(_unchecked(status_code=200, payload=None), id="payload-none"),
    ],
)
async def test_wrong_result_is_one_failed_entity(factory: Factory, value: Any) -> None:
    factory.add(Returning(value))
    factory.add(Fine())
    result = await factory.check()
    assert [entity.status_code for entity in result.entities] == [500, 200]
    result.model_dump_json()


async def test_endless_payload_is_one_failed_entity(factory: Factory) -> None:
    payload: dict[str, Any] = {}
    payload["again"] = payload
    factory.add(Returning(_unchecked(status_code=200, payload=payload)))
    assert (await factory.check()).entities[0].status == "fail"


async def test_not_a_number_becomes_null(factory: Factory) -> None:
    factory.add(Returning(Result(payload={"x": math.nan, "y": math.inf})))
    assert (await factory.check()).entities[0].payload == {"x": None, "y": None}


async def test_large_payload_is_replaced(factory: Factory) -> None:
    factory.add(Returning(Result(payload={"x": "y" * 1_000_000})))
    (entity,) = (await factory.check()).entities
    assert entity.status == "pass"
    assert "larger" in entity.payload["error"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("x"), id="exception"),
        pytest.param(SystemExit(3), id="system-exit"),
        pytest.param(KeyboardInterrupt(), id="keyboard-interrupt"),
        pytest.param(GeneratorExit(), id="generator-exit"),
        pytest.param(asyncio.CancelledError(), id="cancelled-error"),
        pytest.param(BadTextError(), id="broken-text"),
        pytest.param(RuntimeError("\ud800"), id="surrogate"),
        pytest.param(StopIteration(), id="stop-iteration"),
        pytest.param(ExceptionGroup("many", [ValueError("x")]), id="group"),
        pytest.param(RecursionError(), id="recursion"),
    ],
)
async def test_whatever_is_raised_is_one_failed_entity(factory: Factory, error: BaseException) -> None:
    factory.add(Raising(error))
    factory.add(Fine())
    result = await factory.check()
    assert [entity.status_code for entity in result.entities] == [500, 200]
    result.model_dump_json()


async def test_json_check_error_has_data(factory: Factory) -> None:
    factory.add(Raising(JsonCheckError("It is bad", {"some": ["json"]})))
    payload = (await factory.check()).entities[0].payload
    assert payload["message"] == "It is bad"
    assert payload["result"] == {"some": ["json"]}
    assert "JsonCheckError" in payload["stacktrace"]


async def test_second_default_name_gets_a_suffix(factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
    factory.add(Wrong())
    factory.add(Wrong())
    factory.add(Wrong())
    assert [entry.name for entry in factory.entries] == ["Wrong", "Wrong_2", "Wrong_3"]
    assert len([record for record in caplog.records if "Wrong_2" in record.getMessage()]) == 1


def test_second_explicit_name_is_an_error() -> None:
    factory = Factory()
    factory.add(Wrong(), name="x")
    with pytest.raises(ValueError, match="already a health check with the name 'x'"):
        factory.add(Wrong(), name="x")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        pytest.param({"timeout": 0}, ValueError, id="timeout-zero"),
        pytest.param({"timeout": -1}, ValueError, id="timeout-negative"),
        pytest.param({"ttl": -1}, ValueError, id="ttl-negative"),
        pytest.param({"every": "soon"}, TypeError, id="every-text"),
        pytest.param({"every": math.nan}, ValueError, id="every-nan"),
        pytest.param({"timeout": math.inf}, ValueError, id="timeout-endless"),
        pytest.param({"severity": "bad"}, ValueError, id="severity"),
        pytest.param({"level": -1}, ValueError, id="level"),
        pytest.param({"tags": "a,b"}, TypeError, id="tags-text"),
        pytest.param({"groups": "ready"}, TypeError, id="groups-text"),
        pytest.param({"name": ""}, ValueError, id="name-empty"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Factory().add(Wrong(), **options)


def test_not_a_check() -> None:
    with pytest.raises(TypeError, match="instance of Check"):
        Factory().add(Wrong)  # type: ignore[arg-type]  # the mistake


async def is_known(factory: Factory) -> bool:
    return (await factory.check()).entities[0].status != "unknown"


async def test_background_never_makes_wait(factory: Factory) -> None:
    check = Fine(seconds=0.5)
    factory.add(check, every=0.2)
    await factory.startup()
    await eventually(lambda: is_known(factory), what="the first result")
    async with asyncio.timeout(30):
        for _ in range(100):  # waiting would take fifty seconds
            assert (await factory.check()).entities[0].status == "pass"
    runs = check.runs

    async def again() -> bool:
        return check.runs > runs

    await eventually(again, what="another run")


async def test_background_check_added_later_starts(factory: Factory) -> None:
    check = Fine()
    await factory.startup()
    factory.add(check, every=60)
    await eventually(check.ran, what="the first run")


async def test_background_check_without_startup_runs_on_demand(factory: Factory) -> None:
    check = Fine()
    factory.add(check, every=10)
    assert (await factory.check()).entities[0].status == "pass"


async def test_first_background_run_is_not_waited_for(factory: Factory) -> None:
    factory.add(Hanging(), every=60, timeout=60)
    await factory.startup()
    await asyncio.sleep(0.05)
    async with asyncio.timeout(20):
        (entity,) = (await factory.check()).entities
    assert entity.status == "unknown"
    assert entity.status_code == 200


async def test_close_leaves_no_task() -> None:
    factory = Factory()
    factory.add(Fine(seconds=60), every=1)
    factory.add(Hanging())
    await factory.startup()
    request = asyncio.create_task(factory.check())
    await asyncio.sleep(0.05)
    await factory.aclose()
    await asyncio.gather(request, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_another_event_loop() -> None:
    """A run that died with its event loop is not waited for."""
    factory = Factory()
    factory.add(Hanging(), timeout=0.1, ttl=0)

    async def leave() -> None:
        task = asyncio.create_task(factory.check())
        await asyncio.sleep(0.02)
        task.cancel()

    async def ask() -> str:
        async with asyncio.timeout(20):
            return (await factory.check()).entities[0].status

    asyncio.run(leave())
    assert asyncio.run(ask()) == "fail"


async def test_changes_are_logged_once(factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    check = Returning(Result())
    factory.add(check, ttl=0)
    for status_code in (200, 200, 503, 503, 503, 200, 200):
        check.value = Result(status_code=status_code)
        await factory.check()
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["Health check Returning: fail, was pass", "Health check Returning: pass, was fail"]


async def test_nothing_logged_has_a_password(factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
    factory.add(Raising(ValueError("connect to redis://:hush-hush@cache:6379 password=also-hush")))
    await factory.check()
    assert "fail" in caplog.text
    assert "hush" not in caplog.text


async def test_secrets_of_the_check_are_masked(factory: Factory) -> None:
    check = Raising(ValueError("the key is tr0ub4dor"))
    check.secrets = ["tr0ub4dor"]
    factory.add(check)
    (entity,) = (await factory.check()).entities
    assert entity.payload["message"] == "the key is ***"
    assert "tr0ub4dor" not in entity.model_dump_json()


async def test_huge_errors_are_cut_and_scrubbed(factory: Factory) -> None:
    """The search for secrets in what a service answered must not occupy the event loop."""
    secret = "password=hush-hush "
    factory.add(Raising(ValueError(secret + "<p> " * 5_000_000 + secret)))
    (entity,) = (await factory.check()).entities
    assert entity.payload["message"].startswith("password=*** <p>")
    assert len(entity.payload["message"]) <= 4_096
    assert len(entity.payload["stacktrace"]) <= 16_384
    assert "hush" not in entity.model_dump_json()


async def test_history_is_bounded(factory: Factory) -> None:
    factory.add(Fine(), ttl=0)
    for _ in range(70):
        await factory.check()
    assert len(factory.entries[0].history) == 60


async def test_only_critical_checks_fail_the_whole(factory: Factory) -> None:
    factory.add(Wrong(), name="a", severity="degrading")
    factory.add(Wrong(), name="b", severity="info")
    result = await factory.check()
    assert result.status_code == 200
    assert [entity.status_code for entity in result.entities] == [500, 500]


class Named(Fine):
    """Has its name from the class."""

    name = "of-the-class"


class Computed(Fine):
    """Computes its name."""

    @property
    def name(self) -> str:  # type: ignore[override]  # as users do
        return "computed"


@pytest.mark.parametrize(("check", "name"), [(Fine, "Fine"), (Named, "of-the-class"), (Computed, "computed")])
def test_name(factory: Factory, check: type[Fine], name: str) -> None:
    factory.add(check())
    assert [entry.name for entry in factory.entries] == [name]


async def test_redis_not_configured_is_skipped(factory: Factory) -> None:
    factory.add(Redis())
    (entity,) = (await factory.check()).entities
    assert (entity.status, entity.status_code) == ("skip", 200)
    assert entity.payload == {"message": "Redis is not configured"}


async def test_skipped_check_does_not_fail_in_the_gauge(factory: Factory) -> None:
    """Not even when it failed before."""
    factory.add(Redis(), name="once-failed", ttl=0)
    config.settings.redis.url = "redis://127.0.0.1:1"
    assert (await factory.check()).status_code == 500
    config.settings = config.Settings()
    assert (await factory.check()).entities[0].status == "skip"
    name = f"{config.settings.prometheus.prefix}health_checks_failure"
    assert prometheus_client.REGISTRY.get_sample_value(name, {"name": "once-failed"}) == 0


async def test_check_without_its_constructor(factory: Factory) -> None:
    """A class of the application that does not call the constructor of `Check` works all the same."""

    class Mine(Fine):
        def __init__(self) -> None:
            self.runs = self.ended = 0
            self.seconds = 0

    factory.add(Mine())
    (entity,) = (await factory.check()).entities
    assert (entity.name, entity.tags, entity.status) == ("Mine", [], "pass")


async def test_automatic_checks_when_installed(factory: Factory) -> None:
    """`install()` includes what is configured and not checked anyhow, from the next start on."""
    config.settings = config.Settings(redis={"url": "redis://127.0.0.1:1"})
    factory.with_automatic = True
    await factory.startup()
    assert [(entry.name, entry.options.level) for entry in factory.entries] == [("redis", 2)]


async def test_automatic_checks_do_not_repeat(factory: Factory) -> None:
    config.settings = config.Settings(redis={"url": "redis://127.0.0.1:1"})
    factory.with_automatic = True
    factory.add(Redis(), name="cache")
    await factory.startup()
    assert [entry.name for entry in factory.entries] == ["cache"]


async def test_add_in_a_thread(factory: Factory) -> None:
    """Without a running event loop the check cannot start by itself; it then runs when asked."""
    await factory.startup()
    await asyncio.to_thread(lambda: factory.add(Fine(), every=60))
    assert (await factory.check()).entities[0].status == "pass"


async def test_webhook_that_is_away(factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
    """It is tried twice, told in the log without its address, and no check suffers."""
    config.settings = config.Settings(health={"webhook": "http://127.0.0.1:1/hush-hush"})
    factory.add(Wrong())
    await factory.check()

    async def is_told() -> bool:
        return "Could not call the webhook of the health checks: ConnectError" in caplog.text

    await eventually(is_told, what="the log line")
    assert "hush" not in caplog.text


async def test_address_of_the_webhook_is_not_logged(
    factory: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    is_called = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()
        is_called.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config.settings = config.Settings(health={"webhook": f"http://127.0.0.1:{port}/hush-hush"})
        factory.add(Wrong())
        await factory.check()
        await asyncio.wait_for(is_called.wait(), 10)
        await asyncio.sleep(0.2)  # httpx logs after the answer
    assert "hush-hush" not in caplog.text


async def test_metric_that_is_taken(factory: Factory, caplog: pytest.LogCaptureFixture) -> None:
    config.settings = config.Settings(prometheus={"prefix": "taken_"})
    taken = prometheus_client.Gauge("taken_health_checks_failure", "of the application")
    try:
        factory.add(Fine())
        assert (await factory.check()).entities[0].status == "pass"
    finally:
        prometheus_client.REGISTRY.unregister(taken)
    assert "A metric of the health checks is missing: " in caplog.text
    assert "taken_health_checks_failure" in caplog.text
    name = "taken_health_check_duration_seconds_count"
    assert prometheus_client.REGISTRY.get_sample_value(name, {"name": "Fine"}) == 1
